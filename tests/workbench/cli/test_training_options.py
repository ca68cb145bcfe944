"""Where the problems and records of a run come from: its preset, --set and --problems."""

import json
from pathlib import Path

import pytest

from data.errors import UserError
from data.sources.ingest import ingest
from workbench.cli.commands.training.options import chosen_preset

ROWS = [{"question": f"Ann has {n} pens?", "answer": f"{n}\n#### {n}"} for n in range(2)]


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """A preset with files of its own, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    path = tmp_path / "mine.toml"
    names = ("records", "problems")
    lines = [f'{name} = "mine"\n{name}_from = "mine.jsonl"\n' for name in names]
    path.write_text("[data]\n" + "".join(lines))
    return path


def data(folder: Path, preset: Path | str, *assignments: str, problems: str | None = None):
    return chosen_preset(folder, str(preset), assignments, None, problems).data


@pytest.mark.parametrize(
    ("assignments", "problems", "source", "location"),
    [
        ((), None, "mine", "mine.jsonl"),
        ((), "mine", "mine", "mine.jsonl"),
        ((), "gsm8k", "gsm8k", ""),  # the files of the preset are not those of GSM8K
        (("data.problems=gsm8k",), None, "gsm8k", ""),
        (("data.problems=gsm8k", "data.problems_from=gsm"), None, "gsm8k", "gsm"),
        (("data.problems_from=gsm",), "gsm8k", "gsm8k", "gsm"),
        (("data.problems_from=gsm",), "another", "another", "gsm"),
        (("data.problems_from=gsm",), None, "mine", "gsm"),
    ],
)
def test_files_belong_to_the_source_that_they_are_named_with(
    mine, tmp_path, assignments, problems, source, location
):
    chosen = data(tmp_path / "store", mine, *assignments, problems=problems)
    assert (chosen.problems, chosen.problems_from) == (source, location)
    assert (chosen.records, chosen.records_from) == ("mine", "mine.jsonl")


def test_records_by_another_name_are_not_read_from_the_files_of_the_preset(mine, tmp_path):
    chosen = data(tmp_path / "store", mine, "data.records=stratos")
    assert (chosen.records, chosen.records_from) == ("stratos", "")
    assert (chosen.problems, chosen.problems_from) == ("mine", "mine.jsonl")


def test_a_source_of_the_store_comes_before_a_folder_of_its_name(mine, tmp_path, store):
    ingest(store, "sums", Path("mine.jsonl"), "gsm8k")
    Path("sums").mkdir()
    Path("sums/test.jsonl").write_text(json.dumps(ROWS[0]))
    assert data(store.folder, "tiny", problems="sums").problems == "sums"
    named = data(store.folder, "tiny", problems="sums/test.jsonl")
    assert named.problems.startswith("files-")


def test_two_places_of_the_problems_are_refused(mine, tmp_path):
    with pytest.raises(UserError, match="name their file once"):
        data(tmp_path, "tiny", "data.problems_from=gsm", problems="mine.jsonl")


def test_an_unknown_source_lists_those_that_there_are(mine, tmp_path, store):
    ingest(store, "sums", Path("mine.jsonl"), "gsm8k")
    with pytest.raises(UserError, match=r"no problems 'nope'.*samples-gsm8k.*sums"):
        data(store.folder, "tiny", problems="nope")
