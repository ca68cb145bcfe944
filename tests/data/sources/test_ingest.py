"""Ingestion: every row becomes a record once in each split, and every row is counted."""

import json

import polars as pl
import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.cards import own_card
from data.sources.ingest import RecordIds, ingest, ingest_rows, record_id
from data.store import runs
from data.store.store import Store, add, ask
from evals.contamination import overlap
from tests.support.files import jsonl

ROWS = [{"prompt": f"{n}?", "completion": f"<think>so</think>{n}"} for n in range(3)]


def records(store: Store) -> list[tuple]:
    query = "select record_id, split, row_number, origin, body from records order by row_number"
    return ask(store, query).rows()


def test_rows_become_records_of_the_given_split_and_origin(store):
    counts = ingest_rows(store, own_card("mine", "a test run", "completion"), ROWS, split="train")
    assert (counts["read"], counts["new"], counts["rejected"]) == (3, 3, 0)
    rows = records(store)
    assert {row[1:4] for row in rows} == {("train", n, "a test run") for n in range(3)}
    assert [json.loads(row[4]) for row in rows] == ROWS


def test_the_same_rows_from_a_file_add_nothing(store, tmp_path):
    ingest_rows(store, own_card("mine", "memory", "completion"), ROWS, split="train")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    counts = ingest(store, "mine", path, "completion")
    assert (counts["new"], counts["in_store"]) == (0, 3)


def test_a_name_that_has_a_card_is_refused():
    with pytest.raises(UserError, match="source with a card"):
        own_card("gsm8k", "memory", "completion")


SUMS = [{"question": f"Ann has {n} pens?", "answer": f"{n} = {n}\n#### {n}"} for n in range(4)]


def numbers(counts: dict) -> dict:
    names = ("read", "new", "in_store", "repeated", "rejected", "in_several_splits")
    return {name: counts[name] for name in names if counts.get(name)}


def splits(store: Store) -> dict[str, int]:
    query = "select split, count(distinct problem_id) from current_problems group by all"
    return dict(ask(store, query).iter_rows())


def test_a_row_in_train_and_in_test_stays_in_both_is_counted_and_is_found_by_overlap(
    store, tmp_path
):
    jsonl(tmp_path / "a_train.jsonl", SUMS[:3])
    jsonl(tmp_path / "b_test.jsonl", SUMS[2:])
    counts = ingest(store, "mine", tmp_path, "gsm8k")
    assert numbers(counts) == {"read": 5, "new": 5, "in_several_splits": 1}
    convert_source(store, "mine")
    assert splits(store) == {"train": 3, "test": 2}
    result = overlap(store, [], train=["mine"], problems="mine")
    assert (result["problems"], result["exact"]["value"]) == (2, 0.5)
    assert numbers(ingest(store, "mine", tmp_path, "gsm8k")) == {
        "read": 5, "in_store": 5, "in_several_splits": 1,
    }  # fmt: skip


@pytest.mark.parametrize("names", [("train", "test"), ("test", "train"), ("train", "dev")])
def test_a_row_in_two_splits_that_are_ingested_one_after_the_other_is_counted(
    store, tmp_path, names
):
    first, second = (jsonl(tmp_path / f"{name}.jsonl", SUMS[:2]) for name in names)
    assert numbers(ingest(store, "mine", first, "gsm8k")) == {"read": 2, "new": 2}
    counts = numbers(ingest(store, "mine", second, "gsm8k"))
    assert counts == {"read": 2, "new": 2, "in_several_splits": 2}


def test_a_row_in_three_splits_is_three_records(store, tmp_path):
    for name in ("train", "dev", "eval"):
        jsonl(tmp_path / f"{name}.jsonl", SUMS[:1])
    counts = ingest(store, "mine", tmp_path, "gsm8k")
    assert numbers(counts) == {"read": 3, "new": 3, "in_several_splits": 1}
    assert counts["splits"] == {"test": 1, "train": 1, "validation": 1}


def test_rows_of_two_sources_are_no_leak_within_either(store, tmp_path):
    ingest(store, "first", jsonl(tmp_path / "train.jsonl", SUMS), "gsm8k")
    counts = ingest(store, "second", jsonl(tmp_path / "test.jsonl", SUMS), "gsm8k")
    assert numbers(counts) == {"read": 4, "new": 4}


def test_rows_that_are_repeated_are_told_from_those_that_the_store_has(store, tmp_path):
    path = jsonl(tmp_path / "rows.jsonl", [*SUMS[:2], *SUMS[:2], SUMS[0]])
    assert numbers(ingest(store, "mine", path, "gsm8k")) == {"read": 5, "new": 2, "repeated": 3}
    path = jsonl(tmp_path / "more.jsonl", [*SUMS[:3], SUMS[0]])
    path.write_text(path.read_text() + "no row\n")
    assert numbers(ingest(store, "mine", path, "gsm8k")) == {
        "read": 5, "new": 1, "in_store": 2, "repeated": 1, "rejected": 1,
    }  # fmt: skip


def test_a_test_record_of_a_store_of_before_is_found_again(store, tmp_path):
    """Its id was the hash of its content, whatever its split."""
    body = json.dumps(SUMS[0], sort_keys=True)
    content = record_id("mine", "gsm8k", body)
    old = {"record_id": content, "source": "mine", "shape": "gsm8k", "split": "test",
           "row_number": 0, "origin": "old_test.jsonl", "body": body}  # fmt: skip
    runs.begin(store, "ingest", run="old", config={}, seed=None, inputs={})
    add(store, "records", pl.DataFrame([old]), run="old")
    runs.end(store, "old", "done", {})
    test = jsonl(tmp_path / "test.jsonl", SUMS[:1])
    assert numbers(ingest(store, "mine", test, "gsm8k")) == {"read": 1, "in_store": 1}
    train = jsonl(tmp_path / "train.jsonl", SUMS[:1])
    again = {"read": 1, "new": 1, "in_several_splits": 1}
    assert numbers(ingest(store, "mine", train, "gsm8k")) == again
    convert_source(store, "mine")
    assert splits(store) == {"train": 1, "test": 1}


def test_ids_of_a_content_differ_by_split_and_train_keeps_the_hash_of_the_content():
    ids = RecordIds(own_card("mine", "memory", "gsm8k"), {})
    train, test, dev = (ids.of("{}", split) for split in ("train", "test", "validation"))
    assert len({train, test, dev}) == 3
    assert train == record_id("mine", "gsm8k", "{}")
