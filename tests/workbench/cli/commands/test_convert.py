"""`convert`: which rules it uses, and what it says where presets use others."""

import json

import pytest

from data.sources.ingest import ingest
from data.store.store import open_store

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
    assert json.loads(out)["converter"] == "4"
