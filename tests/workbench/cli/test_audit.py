"""The commands audit, quarantine and release, as they are typed."""

import json
import shutil
from pathlib import Path

import pytest

from data.conversion import VERSION
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store.store import ask, open_store
from tests.support import few_rows

SOURCE = "samples-stratos"


@pytest.fixture(scope="module")
def sample_store(tmp_path_factory):
    """The folder of a store with the converted sample."""
    few = few_rows.written(tmp_path_factory.mktemp("rows") / "few")
    folder = tmp_path_factory.mktemp("sample") / "store"
    store = open_store(folder)
    ingest(store, SOURCE, few.records)
    convert_source(store, SOURCE)
    return folder


@pytest.fixture
def converted(say, sample_store, tmp_path):
    """Runs a command on a copy of `sample_store`: what it prints, as JSON."""
    shutil.copytree(sample_store, tmp_path / "store")
    return lambda *arguments: json.loads(say(*arguments, "--json")[1])


def test_an_audit_counts_tokens_and_writes_files(say, converted, tmp_path):
    out = tmp_path / "audit"
    code, text, _ = say(
        "audit", "samples-stratos", "--model", "tiny", "--export", out, "--json"
    )  # fmt: skip
    summary = json.loads(text)
    assert (code, summary["wrong_masks"], summary["examples"]) == (0, 0, summary["converted"])
    assert summary["survival"][0]["budget"] == 512
    assert summary["survival"][0]["value"] == 1
    assert sorted(path.name for path in out.iterdir()) == sorted(
        Path(name).name for name in summary["export"]
    )
    code, text, _ = say("audit", "samples-stratos", "--diff", VERSION, VERSION, "--json")
    assert (code, json.loads(text)["changed"]) == (0, 0)


def test_without_a_source_every_source_and_defect_is_shown(say, converted):
    [one] = converted("audit")["sources"]
    assert one["source"] == SOURCE
    assert one["read"] == one["converted"] + one["quarantined"]
    defects = {row["phrase"]: row for row in converted("audit")["defects"]}
    empty = defects["answer empty"]
    assert empty["share"] == pytest.approx(empty["rows"] / one["read"])
    code, out, _ = say("audit")
    assert (code, "answer empty" in out, SOURCE in out) == (0, True, True)


def test_each_row_with_a_defect_names_the_next_and_shows_its_marks(say, converted):
    rows = converted("audit", SOURCE, "--defect", "doubled block")["rows"]
    ids = [row["record_id"] for row in rows]
    visited, record_id = [], ids[0]
    while record_id:
        row = converted("audit", "--row", record_id, "--defect", "doubled block")
        visited.append(record_id)
        assert (row["place"], row["of"]) == (len(visited), len(ids))
        record_id = row["next"]
    assert visited == ids
    code, out, _ = say("audit", "--row", ids[0][:8])
    assert (code, "<|begin_of_thought|> [doubled block]" in out) == (0, True)


def test_a_released_row_is_trained_on_and_a_quarantined_one_is_not(say, converted):
    before = converted("audit", SOURCE)["to_train_on"]
    record = converted("audit", SOURCE, "--defect", "doubled block")["rows"][0]["record_id"]
    decision = converted("release", record[:10], "--reason", "twice the same", "--author", "ana")
    assert (decision["record_id"], decision["ruling"], decision["author"]) == (
        record,
        "released",
        "ana",
    )
    assert converted("audit", SOURCE)["to_train_on"] == before + 1
    assert say("quarantine", record, "--reason", "no")[0] == 0
    assert converted("audit", SOURCE)["to_train_on"] == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", SOURCE, "--defect", "too slow"], ["'too slow'", "answer empty"]),
        (["audit", "--row", "zzzz"], ["zzzz", "no records"]),
        (["audit", "--export", "x"], ["needs a SOURCE"]),
        (["audit", SOURCE, "--budget", "512"], ["--model"]),
        (["quarantine", "zzzz", "--reason", "no"], ["zzzz"]),
        (["quarantine", "zzzz"], ["--reason"]),
        (["audit", "nowhere"], ["nowhere", SOURCE]),
        (["audit", SOURCE, "--diff", "1", "1", "--export", "x"], ["--diff", "--export"]),
        (["audit", SOURCE, "--model", ""], ["--model", "is empty"]),
        (["audit", "--store", ""], ["--store", "is empty"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_an_unknown_name_is_bad_input_that_lists_the_known_ones(say, converted, arguments, words):
    code, _, err = say(*arguments)
    assert (code, [word for word in words if word not in err]) == (2, [])


def test_the_examples_beyond_a_budget_are_named(converted):
    summary = converted("audit", SOURCE, "--model", "tiny", "--budget", "128")
    [point] = summary["survival"]
    assert len(summary["lost"]) == round(point["n"] * (1 - point["value"])) > 0
    assert all(row["answer_end"] >= 128 for row in summary["lost"])


def test_a_row_that_is_not_converted_yet_names_the_command(say, converted, tmp_path):
    row = {"system": "", "conversations": [{"from": "user", "value": "new?"}]}
    (tmp_path / "more.jsonl").write_text(json.dumps(row))
    assert say("ingest", "mine", "--from", tmp_path / "more.jsonl", "--shape", "stratos")[0] == 0
    store = open_store(tmp_path / "store")
    new = ask(store, "select record_id from records where contains(body, 'new?')")
    code, _, err = say("audit", "--row", new["record_id"].item())
    assert (code, "thinkbench convert mine" in err) == (2, True)
