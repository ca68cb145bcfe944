"""Columns by other names: where rows of one's own hold what a shape expects."""

import json

import pytest

from data.errors import UserError
from data.sources.column_mapping import map_columns, parse_columns, steps
from tests import ROOT

REAL = ROOT.parent / "shared" / "data" / "skyt1_27b_math500.jsonl"


@pytest.mark.parametrize(
    ("location", "value"),
    [
        ("code[0]", "first"),
        ("said.by[1].text", "second"),
        ("a.b", "a column with a dot"),
        ("code[7]", None),
        ("code.name", None),
        ("said.by.text", None),
        ("nowhere", None),
    ],
)
def test_a_place_is_a_column_or_what_is_in_one(location, value):
    nested = {"by": [{"text": "other"}, {"text": "second"}]}
    row = {"code": ["first"], "said": nested, "a.b": "a column with a dot", "a": {"b": "deeper"}}
    assert map_columns(row, {"completion": location}) == {**row, "completion": value}


@pytest.mark.parametrize("location", ["", "[0]", ".a", "a..b", "a[", "a[-1]", "a[0]b", "a[x]"])
def test_what_is_no_place_is_refused_with_what_is_one(location):
    assert steps(location) == []
    with pytest.raises(UserError, match=r"expected NAME=PATH.*turns\[0\].text"):
        parse_columns([f"completion={location}"], "completion")


@pytest.mark.parametrize("option", ["completion", "answer=code[0]", "=code"])
def test_a_name_that_the_shape_has_not_is_refused(option):
    with pytest.raises(UserError, match="NAME one of prompt, completion"):
        parse_columns([option], "completion")


ROW = {"asked": "How many?", "said": [{"text": "<think>a</think>7"}]}
PLACES = ("--column", "prompt=asked", "--column", "completion=said[0].text")


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n" * 2 + f"{json.dumps({'asked': 'q', 'said': []})}\n")
    return path


def test_a_file_is_converted_by_the_places_that_are_named(say, rows):
    code, out, _ = say("convert", rows, "--shape", "completion", *PLACES, "--json")
    counts = json.loads(out)
    assert (code, counts["read"], counts["converted"]) == (0, 3, 2)
    assert counts["by_defect"] == {"wrong shape": 1}


def test_ingested_rows_keep_all_their_columns_beside_those_that_are_named(say, rows):
    command = ("ingest", "mine", "--from", rows, "--shape", "completion", *PLACES)
    assert say(*command)[0] == 0
    assert json.loads(say(*command, "--json")[1])["new"] == 0
    counts = json.loads(say("convert", "mine", "--json")[1])
    assert (counts["read"], counts["converted"]) == (2, 1)  # two of the rows are the same


def test_without_the_places_the_message_says_how_to_name_them(say, rows):
    code, _, err = say("convert", rows, "--shape", "completion")
    assert (code, "--column prompt=PATH" in err) == (2, True)
    code, _, err = say("convert", rows, *PLACES)
    assert (code, "add --shape" in err or "--shape" in err) == (2, True)


def test_lines_that_are_no_rows_are_quarantined_and_named(say, rows):
    rows.write_text(rows.read_text() + "not json\n")
    code, out, _ = say("convert", rows, "--shape", "completion", *PLACES, "--json")
    counts = json.loads(out)
    assert code == 0
    assert counts["read"] == counts["converted"] + counts["quarantined"] == 4
    assert counts["by_defect"]["not a row"] == 1
    [named_line] = counts["rejections"]
    assert named_line.startswith("rows.jsonl, number 4: ")


def test_real_generations_are_converted_from_the_file_as_it_is(say):
    if not REAL.exists():
        pytest.skip("real Sky-T1 generations are not beside this checkout")
    locations = ("--column", "prompt=question", "--column", "completion=code[0]")
    _, out, _ = say("convert", REAL, "--shape", "completion", *locations, "--json")
    counts = json.loads(out)
    assert (counts["read"], counts["converted"], counts["quarantined"]) == (500, 178, 322)
    assert counts["patterns"] == {
        "1111": 178, "1110": 16, "1000": 94, "0000": 210, "0100": 1, "0111": 1,
    }  # fmt: skip
