"""Conversion of many rows: every row comes out once, in order, as `convert` converts it."""

import os
import shutil
import time

import pytest

from data.audit import queries
from data.conversion import convert_source as module
from data.conversion.convert import VERSION, convert
from data.conversion.convert_source import convert_source
from data.conversion.dialects.table import dialect_table
from data.conversion.rows.conversions import CONVERTED, convert_records, convert_rows
from data.conversion.rows.convert_file import convert_file
from data.errors import UserError
from data.sources.ingest import ingest
from data.sources.samples import damaged_records
from data.store import runs
from data.store.store import Store, ask, open_store
from tests.support.files import jsonl


def test_every_row_keeps_its_position_and_its_conversion():
    rows = damaged_records.stratos_rows(300, seed=3)
    frame = convert_rows(rows, "stratos")
    conversions = [convert(row, "stratos") for row in rows]
    assert frame["outcome"].to_list() == [one.outcome for one in conversions]
    assert frame["reason"].to_list() == [one.reason for one in conversions]
    answers = [one.example.answer.text if one.example else None for one in conversions]
    assert frame["answer"].to_list() == answers
    assert frame["outcome"].n_unique() == 2


def test_rows_of_the_wrong_shape_are_quarantined_in_their_position():
    rows = [{"prompt": "q"}, {"prompt": "q", "completion": "<think>a</think>7"}, {"completion": 7}]
    frame = convert_rows(rows, "completion")
    assert frame["outcome"].to_list() == ["quarantined", "example", "quarantined"]
    assert frame["reason"].to_list() == ["wrong shape", None, "wrong shape"]


def test_rows_of_gsm8k_are_converted_by_their_separator():
    frame = convert_rows([{"question": "1?", "answer": "1 = 1\n#### 1"}, {"answer": "1"}], "gsm8k")
    assert frame["outcome"].to_list() == ["example", "quarantined"]
    assert frame["answer"].to_list() == ["1", None]


def test_no_rows_give_a_frame_without_rows():
    frame = convert_rows([], "completion")
    assert frame.is_empty()
    assert frame.columns == list(CONVERTED)


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A store with 230 damaged records of two shapes, converted in parts of 40."""
    monkeypatch.setattr(module, "BATCH", 40)
    store = open_store(tmp_path / "many")
    rows = damaged_records.stratos_rows(200, seed=7)
    ingest(store, "mine", jsonl(tmp_path / "first.jsonl", rows), "stratos")
    sums = [{"question": f"{n}?", "answer": f"so {n}\n#### {n}", "steps": n} for n in range(30)]
    ingest(store, "mine", jsonl(tmp_path / "second.jsonl", sums), "gsm8k")
    return store


def content(store: Store) -> dict[str, list]:
    """All rows that conversion wrote, in the order of the files, without the name of the run."""
    return {
        table: ask(store, f"select * exclude (run) from {table}").rows()
        for table in ("conversions", "examples", "problems")
    }


def test_worker_processes_write_the_same_rows_in_the_same_order(many, tmp_path):
    shutil.copytree(many.folder, tmp_path / "copy")
    copy = open_store(tmp_path / "copy")
    own = {"mine": {"thought_open": ["<<go>>"], "thought_close": ["<<stop>>"]}}
    table = dialect_table(own, "a test")
    rules = frozenset({"close-answer-at-end"})
    first = convert_source(many, "mine", rules, table=table, workers=1)
    steps = []
    second = convert_source(
        copy, "mine", rules, lambda *step: steps.append(step[:2]), table=table, workers=2
    )
    assert first == second
    assert first["read"] == 230
    assert content(many) == content(copy)
    assert steps == [(done, 230) for done in (40, 80, 120, 160, 200, 230)]


def test_after_a_worker_dies_what_was_written_stays_and_the_next_run_resumes(
    many, tmp_path, monkeypatch
):
    shutil.copytree(many.folder, tmp_path / "copy")
    whole = open_store(tmp_path / "copy")
    convert_source(whole, "mine", workers=1)
    with monkeypatch.context() as patched:
        patched.setattr(module, "convert_records", dies_in_the_fourth_part)
        with pytest.raises(UserError, match="run the command again to resume"):
            convert_source(many, "mine", workers=2)
    converted = ask(many, "select count(*) as n from conversions")["n"].item()
    assert converted < 230
    assert converted % 40 == 0
    assert convert_source(many, "mine", workers=2)["read"] == 230
    assert sorted(content(many)["conversions"], key=str) == sorted(
        content(whole)["conversions"], key=str
    )


def dies_in_the_fourth_part(part, rules, table):
    if part.start == 120:
        time.sleep(0.5)
        os._exit(9)
    return convert_records(part, rules, table)


def test_few_records_are_converted_in_this_process(many, monkeypatch):
    monkeypatch.setattr("data.worker_pool.ProcessPoolExecutor", None)
    assert convert_source(many, "mine")["read"] == 230


def test_a_file_is_counted_alike_by_one_process_and_by_two(tmp_path, monkeypatch):
    path = jsonl(tmp_path / "rows.jsonl", damaged_records.stratos_rows(150, seed=5))
    path.write_text(f"{path.read_text()}not a row\n")
    monkeypatch.setattr("data.conversion.rows.convert_file.BATCH", 40)
    one = convert_file(path, "stratos", workers=1)
    assert one["read"] == 151
    assert one["by_defect"]["not a row"] == 1
    assert convert_file(path, "stratos", workers=2) == one


def test_results_of_another_version_stay_beside_those_of_this_one(many, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("data.conversion.convert.VERSION", "1")
        assert convert_source(many, "mine")["converter"] == "1"
    first = content(many)["conversions"]
    assert convert_source(many, "mine")["converter"] == VERSION
    counts = ask(many, "select converter, count(*) from conversions group by all order by all")
    assert counts.rows() == [("1", 230), (VERSION, 230)]
    assert set(map(str, first)) < set(map(str, content(many)["conversions"]))
    current = ask(many, "select distinct converter from current_conversions")["converter"]
    assert current.to_list() == [VERSION]


ODD_ROWS = [
    {"question": "1?", "answer": "1\n#### 1", "steps": "²"},
    {"question": "2?", "answer": "2\n#### 2", "steps": 99_999_999_999},
    {"question": "3?", "answer": "3\n#### 3", "steps": -1.5},
    {"question": "4?", "answer": "4\n#### 4", "steps": float("nan")},
    {"question": "5?", "answer": "5\n#### 5", "steps": [[{}]]},
    {"question": "\x00?", "answer": "6\n#### \x00", "steps": "6" * 400},
    {"question": ["7?"], "answer": {"text": "7"}},
    {"question": None, "answer": 8},
    {"question": "9?", "answer": "9\n#### 9", "steps": 9},
]


def test_one_odd_row_does_not_end_the_conversion_of_its_source(store, tmp_path):
    ingest(store, "odd", jsonl(tmp_path / "rows.jsonl", ODD_ROWS), "gsm8k")
    counts = convert_source(store, "odd")
    assert (counts["read"], counts["converted"], counts["quarantined"]) == (9, 7, 2)
    steps = ask(store, "select steps from problems where steps is not null")["steps"]
    assert steps.to_list() == [9]


def test_turns_that_hold_what_cannot_be_stored_are_quarantined_alone(store, tmp_path):
    half = '[{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]'
    good = half.replace("\\ud800", "2+3?").replace('"x"', '"<think>so</think>5"')
    rows = [{"messages": text} for text in (half, "[" * 500, '{"a": 1' + "0" * 5_000, good)]
    ingest(store, "odd", jsonl(tmp_path / "rows.jsonl", rows), "messages")
    counts = convert_source(store, "odd")
    assert (counts["read"], counts["converted"]) == (4, 1)
    assert counts["by_defect"] == {"wrong shape": 3}


def test_rows_of_a_deleted_ingestion_are_not_counted(store, tmp_path):
    reports, ingested = [], {}
    for number, name in enumerate("ab"):
        rows = [{"prompt": f"{name}{n}", "completion": f"<think>r</think>{n}"} for n in range(3)]
        path = jsonl(tmp_path / f"{name}.jsonl", rows)
        ingested = ingest(store, "mine", path, "completion")
        reports.append(convert_source(store, "mine", workers=1))
        assert reports[-1]["read"] == 3 * (number + 1)
    converter = reports[-1]["converter"]
    runs.delete(store, ingested["run"])
    assert convert_source(store, "mine", workers=1)["read"] == 3
    counted = queries.outcomes(store, "mine", converter)
    assert (counted["read"], counted["converted"], counted["to_train_on"]) == (3, 3, 3)
    assert queries.conversions(store)["rows"].to_list() == [3]
    runs.restore(store, ingested["run"])
    assert convert_source(store, "mine", workers=1)["read"] == 6
