"""Conversion of many rows: every row comes out once, in order, as `convert` converts it."""

from data.conversion.convert import convert
from data.conversion.convert_source import CONVERTED, convert_rows
from data.sources.samples import damaged_records


def test_every_row_keeps_its_position_and_its_conversion():
    rows = damaged_records.stratos_rows(300, seed=3)
    frame = convert_rows("stratos", rows)
    conversions = [convert("stratos", row) for row in rows]
    assert frame["outcome"].to_list() == [one.outcome for one in conversions]
    assert frame["reason"].to_list() == [one.reason for one in conversions]
    answers = [one.example.answer.text if one.example else None for one in conversions]
    assert frame["answer"].to_list() == answers
    assert frame["outcome"].n_unique() == 2


def test_rows_of_the_wrong_shape_are_quarantined_in_their_position():
    rows = [{"prompt": "q"}, {"prompt": "q", "completion": "<think>a</think>7"}, {"completion": 7}]
    frame = convert_rows("completion", rows)
    assert frame["outcome"].to_list() == ["quarantined", "example", "quarantined"]
    assert frame["reason"].to_list() == ["wrong shape", None, "wrong shape"]


def test_rows_of_gsm8k_are_converted_by_their_separator():
    frame = convert_rows("gsm8k", [{"question": "1?", "answer": "1 = 1\n#### 1"}, {"answer": "1"}])
    assert frame["outcome"].to_list() == ["example", "quarantined"]
    assert frame["answer"].to_list() == ["1", None]


def test_no_rows_give_a_frame_without_rows():
    frame = convert_rows("completion", [])
    assert frame.is_empty()
    assert frame.columns == list(CONVERTED)
