"""Ingestion of rows in memory: the same records as from a file, in the split that is given."""

import json

import pytest

from data.errors import UserError
from data.sources.cards import own_card
from data.sources.ingest import ingest, ingest_rows
from data.store.store import Store, ask

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
    assert (counts["new"], counts["already_there"]) == (0, 3)


def test_a_name_that_has_a_card_is_refused():
    with pytest.raises(UserError, match="source with a card"):
        own_card("gsm8k", "memory", "completion")
