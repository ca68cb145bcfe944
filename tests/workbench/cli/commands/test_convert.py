"""`convert`: which rules it uses, and what it says where presets use others."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from data.audit import queries
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import ask, open_store

NOTE = "Presets convert with answer-from-box"


@pytest.fixture
def rows(tmp_path):
    """A file of rows, which the store has as the source `sums`."""
    path = tmp_path / "rows.jsonl"
    row = {"prompt": "2+3?", "completion": "<think>Two and three.</think>\\boxed{5}"}
    path.write_text(json.dumps(row))
    ingest(open_store(tmp_path / "store"), "sums", path, "completion")
    return path


def test_a_conversion_by_other_rules_than_those_of_presets_says_so(say, rows):
    code, out, _ = say("convert", "sums")
    assert code == 0
    assert NOTE in " ".join(out.split())
    assert "thinkbench convert sums --rule answer-from-box" in " ".join(out.split())
    code, out, _ = say("convert", "sums", "--rule", "answer-from-box")
    assert (code, NOTE in " ".join(out.split())) == (0, False)


def test_a_file_is_no_source_that_others_read(say, rows):
    code, out, _ = say("convert", rows, "--shape", "completion")
    assert (code, NOTE in " ".join(out.split())) == (0, False)


def test_the_object_has_the_converter(say, rows):
    _, out, _ = say("convert", "sums", "--json")
    assert json.loads(out)["converter"] == "7"


def test_what_was_converted_last_is_current(say, rows, tmp_path):
    store = open_store(tmp_path / "store")
    names = []
    for rules in ([], ["answer-from-box"], [], [], ["answer-from-box"]):
        options = [word for rule in rules for word in ("--rule", rule)]
        code, out, _ = say("convert", "sums", *options, "--json")
        names.append(json.loads(out)["converter"])
        assert (code, queries.newest(store, "sums")) == (0, names[-1])
        answers = ask(store, "select answer from current_examples")["answer"].to_list()
        assert answers == ["5" if rules else "\\boxed{5}"]
    assert (names[0], names[1]) == (names[2], names[4])


def test_a_conversion_that_is_current_again_was_not_so_before(say, rows, tmp_path):
    store = open_store(tmp_path / "store")
    times = []
    for options in ([], ["--rule", "answer-from-box"], []):
        say("convert", "sums", *options)
        times.append(datetime.now(UTC))
    at = [queries.converters_at(store, time)["sums"] for time in times]
    assert at[0] == at[2] != at[1]
    assert ask(store, "select event from runs")["event"].unique().to_list() == ["done"]
    assert ask(store, "select count(*) as n from conversions")["n"].item() == 2


def test_converting_again_without_another_conversion_between_adds_nothing(say, rows, tmp_path):
    store = open_store(tmp_path / "store")
    say("convert", "sums")
    events = ask(store, "select count(*) as n from run_events")["n"].item()
    say("convert", "sums")
    assert ask(store, "select count(*) as n from run_events")["n"].item() == events


def test_a_clock_that_was_set_back_does_not_matter(say, rows, tmp_path):
    store = open_store(tmp_path / "store")
    say("convert", "sums")
    say("convert", "sums", "--rule", "answer-from-box")
    [run] = ask(store, "select run from runs where config like '%answer-from-box%'")["run"]
    later = datetime.now(UTC) + timedelta(days=2)
    runs.renew(store, run, after=later)
    say("convert", "sums")
    assert queries.newest(store, "sums") == "7"


def test_preparing_for_training_does_not_change_what_is_current(say, rows, tmp_path):
    store = open_store(tmp_path / "store")
    say("convert", "sums", "--rule", "answer-from-box")
    say("convert", "sums")
    convert_source(store, "sums", frozenset({"answer-from-box"}))
    assert queries.newest(store, "sums") == "7"
