"""Sources: rows in, each accounted for; bad input refused with a message."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.conversion.convert import VERSION
from data.conversion.convert_source import convert_source
from data.conversion.rows.convert_file import convert_file
from data.errors import UserError
from data.sources import cards
from data.sources.ingest import ingest
from data.store.store import ask
from tests import ROOT
from tests.support.files import jsonl

SHARED = ROOT.parent / "shared" / "data"
ROWS = [{"question": f"{n}?", "answer": f"{n} = {n}\n#### {n}"} for n in range(3)]


def counts(result):
    return tuple(result[key] for key in ("read", "new", "in_store", "rejected"))


def test_ingesting_twice_adds_nothing(store, tmp_path):
    path = jsonl(tmp_path / "main_train.jsonl", ROWS)
    assert counts(ingest(store, "gsm8k", path)) == (3, 3, 0, 0)
    assert counts(ingest(store, "gsm8k", path)) == (3, 0, 3, 0)
    assert ask(store, "select count(*) as n from records")["n"].item() == 3


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_same_rows_are_the_same_records_in_any_file(store, tmp_path, suffix):
    frame = pl.DataFrame(ROWS)
    path = tmp_path / f"rows.{suffix}"
    write = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}
    write[suffix](path)
    ingest(store, "gsm8k", jsonl(tmp_path / "first.jsonl", ROWS))
    assert counts(ingest(store, "gsm8k", path)) == (3, 0, 3, 0)


def test_a_folder_is_read_whole_and_its_names_say_the_split(store, tmp_path):
    jsonl(tmp_path / "main_train.jsonl", ROWS[:2])
    jsonl(tmp_path / "main_test.jsonl", ROWS[2:])
    ingest(store, "gsm8k", tmp_path)
    convert_source(store, "gsm8k")
    splits = ask(store, "select split, count(*) as n from problems group by split order by split")
    assert splits.rows() == [("test", 1), ("train", 2)]


def test_rows_of_ones_own_get_a_name_and_a_shape(store, tmp_path):
    message = {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    }
    path = jsonl(tmp_path / "chats.jsonl", [message])
    assert counts(ingest(store, "mine", path, "messages")) == (1, 1, 0, 0)
    assert convert_source(store, "mine")["quarantined"] == 1


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ("gsm8k", "here", "leave out --shape"),
        ("mine", None, "--from PATH"),
        ("../x", "here", "name"),
    ],
)
def test_rows_of_ones_own_are_refused_under_a_name_that_is_taken(store, source, path, message):
    with pytest.raises(ValueError, match=message):
        ingest(store, source, path and Path(path), "gsm8k")


def test_lines_that_are_no_rows_are_rejected_and_kept(store, tmp_path):
    path = jsonl(tmp_path / "rows.jsonl", ROWS)
    path.write_text(path.read_text() + "{broken\n[1, 2]\n")
    result = ingest(store, "gsm8k", path)
    assert counts(result) == (5, 3, 0, 2)
    with open(result["rejections"], encoding="utf-8") as file:
        stored = [json.loads(line) for line in file]
    assert [(row["number"], row["content"]) for row in stored] == [(3, "{broken"), (4, "[1, 2]")]


def test_converting_twice_adds_nothing_and_says_the_same(store, tmp_path):
    ingest(store, "gsm8k", jsonl(tmp_path / "rows.jsonl", ROWS))
    first = convert_source(store, "gsm8k")
    assert convert_source(store, "gsm8k") == first
    assert first["read"] == first["converted"] + first["quarantined"] == 3
    assert ask(store, "select count(*) as n from examples")["n"].item() == 3


def test_other_rules_leave_the_old_result_beside_the_new(store):
    ingest(store, "samples-stratos")
    plain = convert_source(store, "samples-stratos")
    boxed = convert_source(store, "samples-stratos", frozenset({"answer-from-box"}))
    assert boxed["converted"] < plain["converted"]
    stored = ask(
        store, "select converter, count(*) as n from conversions group by all order by all"
    )
    assert stored.rows() == [
        (VERSION, plain["read"]),
        (f"{VERSION}+answer-from-box", boxed["read"]),
    ]


def test_a_file_is_converted_without_a_store(tmp_path):
    rows = [
        {"prompt": "a?", "completion": "<think>x</think>7", "extra": 1},
        {"prompt": "b?", "completion": "7"},
    ]
    result = convert_file(jsonl(tmp_path / "rows.jsonl", rows), "completion")
    assert (result["read"], result["converted"], result["quarantined"]) == (2, 1, 1)
    assert result["by_defect"] == {"no thinking": 1}


def test_a_missing_path_and_an_empty_folder_are_refused(store, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        ingest(store, "gsm8k", tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no \.csv"):
        ingest(store, "gsm8k", tmp_path)


def test_an_unknown_source_is_refused_with_the_known_ones(store):
    with pytest.raises(UserError, match="the sources are gsm8k, samples-gsm8k"):
        ingest(store, "gsm9k")


def test_converting_what_was_never_ingested_says_how_to(store):
    with pytest.raises(UserError, match="thinkbench ingest gsm8k"):
        convert_source(store, "gsm8k")


@pytest.mark.parametrize("source", ["stratos", "gsm8k"])
def test_a_hub_out_of_reach_fails_with_what_to_do(store, source, monkeypatch):
    # a proxy that nobody listens at: out of reach on any machine
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(UserError, match=f"thinkbench ingest {source} --from PATH"):
        ingest(store, source)


def test_every_hub_card_names_its_revision():
    for name in cards.cards():
        assert cards.card(name).revision


def test_real_gsm8k_is_all_accounted_for(store):
    if not (SHARED / "gsm8k").is_dir():
        pytest.skip("GSM8K is not beside this checkout")
    assert counts(ingest(store, "gsm8k", SHARED / "gsm8k")) == (8_792, 8_792, 0, 0)
    assert convert_source(store, "gsm8k")["converted"] == 8_792
    splits = ask(store, "select split, count(*) as n from problems group by split order by split")
    assert splits.rows() == [("test", 1_319), ("train", 7_473)]


@pytest.mark.parametrize(
    ("name", "split"),
    [("main_test", "test"), ("test", "test"), ("contest", "train"), ("latest", "train"),
     ("test_of_train", "train"), ("rows", "train")],
)  # fmt: skip
def test_a_whole_word_of_the_name_says_the_split(store, tmp_path, name, split):
    ingest(store, "gsm8k", jsonl(tmp_path / f"{name}.jsonl", ROWS))
    assert ask(store, "select distinct split from records")["split"].to_list() == [split]
