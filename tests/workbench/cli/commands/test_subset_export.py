"""The file of a subset holds what would be trained on now; the rest is counted by reason."""

import json

import pytest

from data.store import runs
from data.store.store import add, ask
from tests.support.store_rows import rows_of


@pytest.fixture
def exported(say, tmp_path):
    """Export the subset s: the object of --json, and the rows of the file."""

    def export():
        path = tmp_path / "rows.jsonl"
        path.unlink(missing_ok=True)
        code, out, err = say("subset", "export", "s", "--out", path, "--json")
        assert code == 0, err
        value = json.loads(out)
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert value["rows"] == len(rows)
        assert value["n"] == len(rows) + sum(value["left_out"].values())
        return value["left_out"], rows

    return export


@pytest.fixture
def saved(say, here, tmp_path):
    """A subset of four records, in a store whose ids are in the order of the rows."""
    rows = [
        {"prompt": f"What is {n} + 1?", "completion": f"<think>one more</think>\n{n + 1}"}
        for n in range(4)
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    for words in (("ingest", "mine", "--from", path, "--shape", "completion"),
                  ("convert", "mine"), ("subset", "new", "s")):  # fmt: skip
        assert say(*words)[0] == 0
    query = "select record_id from source_records order by row_number"
    return ask(here, query)["record_id"].to_list()


def test_a_row_that_a_person_quarantined_since_is_left_out(say, saved, exported):
    assert exported()[0] == {}
    say("quarantine", saved[1], "--reason", "wrong")
    left_out, rows = exported()
    assert left_out == {"held back by a person": 1}
    assert [row["id"] for row in rows] == [saved[0], *saved[2:]]
    say("release", saved[1], "--reason", "right after all")
    assert exported()[0] == {}


def test_no_row_is_written_without_its_texts(say, saved, here, exported):
    [conversion] = ask(here, "select run from runs where kind = 'convert'")["run"]
    runs.delete(here, conversion)
    assert exported() == ({"no example": 4}, [])
    runs.restore(here, conversion)
    left_out, rows = exported()
    assert (left_out, len(rows)) == ({}, 4)
    assert all(row["prompt"] and row["answer"] for row in rows)


def test_rows_that_the_store_has_lost_are_counted(say, saved, here, exported):
    [ingestion] = ask(here, "select run from runs where kind = 'ingest'")["run"]
    runs.delete(here, ingestion)
    assert exported() == ({"no longer in the store": 4}, [])
    code, out, _ = say("subset", "export", "s", "--out", here.folder.parent / "again.jsonl")
    assert code == 0
    assert "left out: 4 no longer in the store" in out


def test_problems_are_left_out_where_a_person_or_a_split_says_so(say, here, exported):
    runs.begin(here, "convert", run="c", config={}, seed=None, inputs={})
    names = ["p", "q", "t"]
    records = rows_of("records", record_id=names, source=["s"] * 3, split=["train"] * 3,
                      shape=["gsm8k"] * 3, body=["{}"] * 3, row_number=[0, 1, 2])  # fmt: skip
    problems = rows_of("problems", problem_id=names, record_id=names, source=["s"] * 3,
                       split=["train"] * 3, question=names, gold=["7"] * 3)  # fmt: skip
    conversions = rows_of("conversions", record_id=names, source=["s"] * 3, converter=["4"] * 3,
                          outcome=["example"] * 3)  # fmt: skip
    for table, rows in (("records", records), ("problems", problems), ("conversions", conversions)):
        add(here, table, rows, run="c")
    runs.end(here, "c", "done", {})
    assert say("subset", "new", "s", "--of", "problems")[0] == 0
    test_row = rows_of("problems", problem_id=["t"], record_id=["t2"], source=["s"],
                       split=["test"], question=["t"], gold=["7"])  # fmt: skip
    add(here, "problems", test_row, run="c")
    left_out, rows = exported()
    assert left_out == {"of a test split": 1}
    assert sorted(row["id"] for row in rows) == ["p", "q"]


FORMATS = ("messages", "prompt-completion", "sharegpt", "alpaca", "verl", "jsonl")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("row_format", FORMATS)
def test_what_is_exported_is_loaded_by_datasets(say, saved, tmp_path, row_format, suffix):
    import datasets

    out = tmp_path / f"rows{suffix}"
    code, _, errors = say("subset", "export", "s", "--out", out, "--as", row_format)
    assert (code, errors) == (0, "")
    kind = "parquet" if suffix == ".parquet" else "json"
    loaded = datasets.load_dataset(
        kind, data_files=str(out), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.num_rows == 4
    assert sorted(loaded["id"]) == sorted(saved)


@pytest.mark.parametrize("prompt_format", ["ours", "think"])
def test_exported_messages_are_ingested_as_the_same_examples(
    say, saved, here, tmp_path, prompt_format
):
    out = tmp_path / "rows.jsonl"
    options = ("--as", "messages", "--prompt-format", prompt_format)
    assert say("subset", "export", "s", "--out", out, *options)[0] == 0
    assert say("ingest", "back", "--from", out, "--shape", "messages")[0] == 0
    assert say("convert", "back")[0] == 0
    query = "select reasoning, answer from trainable_examples where source = $source order by all"
    back, mine = (ask(here, query, source=source).rows() for source in ("back", "mine"))
    assert back == mine
    assert len(back) == 4


def test_formats_that_the_subset_or_the_file_cannot_hold_are_refused(say, saved, tmp_path):
    for options, message in (
        (("--as", "preference", "--run", "e"), "records have no sampled answers"),
        (("--as", "parquet"), "no name of a Parquet file"),
    ):
        code, _, errors = say("subset", "export", "s", "--out", tmp_path / "r.jsonl", *options)
        assert code == 2
        assert message in errors
    assert not (tmp_path / "r.jsonl").exists()
