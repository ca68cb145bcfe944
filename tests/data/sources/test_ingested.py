"""What was ingested, and from where: rows of two places are never mixed under a published name."""

import pytest

from data.errors import UserError
from data.sources.cards import own_card
from data.sources.ingest import ingest, ingest_rows
from data.sources.ingested import has_read, has_records, readings
from data.sources.samples.word_problems import gsm8k_rows
from data.store.store import ask
from tests.support.files import jsonl

SOURCE = "samples-gsm8k"
OWN = [{"question": f"Ann has {n} pens?", "answer": f"{n}\n#### {n}"} for n in range(4)]


def count(store) -> int:
    return ask(store, "select count(*) as n from records")["n"].item()


def test_a_reading_knows_its_place_and_the_content_of_its_files(store, tmp_path):
    path = jsonl(tmp_path / "own.jsonl", OWN)
    ingest(store, "mine", path, "gsm8k")
    [reading] = readings(store, "mine")
    assert (reading.location, reading.is_done) == ("own.jsonl", True)
    assert reading.command == "thinkbench ingest mine --from own.jsonl"
    assert has_read(reading, path)
    (tmp_path / "copy").mkdir()
    assert has_read(reading, jsonl(tmp_path / "copy" / "own.jsonl", OWN))
    assert not has_read(reading, jsonl(tmp_path / "copy" / "other.jsonl", OWN[:3]))
    assert not has_read(reading, jsonl(tmp_path / "own.jsonl", OWN[:3]))
    path.unlink()
    assert has_read(reading, path)
    assert not has_read(reading, tmp_path / "gone.jsonl")
    assert (has_records(store, "mine"), has_records(store, "my")) == (True, False)


def test_rows_of_a_file_are_not_mixed_with_those_of_the_hub(store, tmp_path):
    ingest(store, SOURCE)
    before = count(store)
    with pytest.raises(UserError, match=r"would be mixed .* --from own.jsonl --shape gsm8k"):
        ingest(store, SOURCE, jsonl(tmp_path / "own.jsonl", OWN))
    assert count(store) == before
    assert len(readings(store, SOURCE)) == 1


def test_rows_of_the_hub_are_not_mixed_with_those_of_a_file(store, tmp_path):
    ingest(store, SOURCE, jsonl(tmp_path / "own.jsonl", OWN))
    with pytest.raises(UserError, match=r"from own.jsonl; rows from samples.gsm8k would be mixed"):
        ingest(store, SOURCE)
    assert count(store) == len(OWN)


def test_a_copy_of_the_rows_of_the_hub_is_no_mixture(store, tmp_path):
    ingest(store, SOURCE)
    copy = jsonl(tmp_path / "copy.jsonl", gsm8k_rows(40, 0, "train"))
    counts = ingest(store, SOURCE, copy)
    assert (counts["new"], counts["in_store"]) == (0, 40)


def test_several_files_may_be_ingested_under_one_name(store, tmp_path):
    for name, source, shape in (("own", "mine", "gsm8k"), ("file", "gsm8k", None)):
        ingest(store, source, jsonl(tmp_path / f"{name}.jsonl", OWN[:2]), shape)
        counts = ingest(store, source, jsonl(tmp_path / f"{name}2.jsonl", OWN), shape)
        assert (counts["new"], counts["in_store"]) == (2, 2)
        assert [one.location for one in readings(store, source)] == [
            f"{name}.jsonl",
            f"{name}2.jsonl",
        ]


def test_rows_in_memory_and_files_may_be_ingested_under_a_name_of_ones_own(store, tmp_path):
    ingest_rows(store, own_card("mine", "memory", "gsm8k"), OWN[:2], split="train")
    assert ingest(store, "mine", jsonl(tmp_path / "own.jsonl", OWN), "gsm8k")["new"] == 2
