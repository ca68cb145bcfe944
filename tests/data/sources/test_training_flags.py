"""Training flags: all spellings are read, and one that cannot be read is reported."""

import pytest

from data.conversion.convert import convert
from data.conversion.defects import SEVERITY
from data.sources.row_shapes import NOT_TRAINED, UNCLEAR, UNCLEAR_ROW
from data.sources.training_flags import FLAGS, FLAGS_OF_ROWS, UNREADABLE, training_flag

ASKED = {"role": "user", "content": "2+3?"}
TEXT = "<think>\nTwo and three make five.\n</think>\n\n5"
OFF = [False, 0, 0.0, -0.0, "false", "False", "FALSE", " false ", "f", "0", "0.0", "0.00", "0e0",
       "-0", "no", "No", "n", "off", "'false'"]  # fmt: skip
ON = [True, 1, 0.5, 2, "true", "TRUE", "t", "1", "1.00", "0.25", "yes", "Y", "on", 10**400,
      "1" + 300 * "0"]  # fmt: skip
SILENT = [None, "", " ", "null", "None", "NaN", float("nan")]
UNREAD = ["maybe", "3 kg", "train", -1, "-0.5", [], [0], {}, {"value": 0}, "0,0", "false?",
          float("inf"), float("-inf"), "Infinity", "1e999", -(10**400), [[10**400]], {"a": [False]},
          "true, false"]  # fmt: skip


def chat(**flags) -> dict:
    return {"messages": [ASKED, {"role": "assistant", "content": TEXT, **flags}]}


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", OFF)
def test_a_turn_that_is_not_to_be_trained_on_is_quarantined(name, value):
    assert convert(chat(**{name: value}), "messages").reason == NOT_TRAINED


@pytest.mark.parametrize("value", OFF[:6])
def test_so_is_the_first_answer_of_a_longer_conversation(value):
    later = [ASKED, {"role": "assistant", "content": TEXT}]
    several = {"messages": [*chat(weight=value)["messages"], *later]}
    first = convert(several, "messages", rules=frozenset({"first-exchange"}))
    assert first.reason == NOT_TRAINED


@pytest.mark.parametrize("value", OFF[:6])
def test_turns_of_other_names_and_turns_as_json_have_flags_too(value):
    turns = [{"from": "human", "value": "2+3?"}, {"from": "gpt", "value": TEXT, "train": value}]
    for conversations in (turns, repr(turns)):
        assert convert({"conversations": conversations}, "stratos").reason == NOT_TRAINED


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ON + SILENT)
def test_other_turns_are_trained_on(name, value):
    result = convert(chat(**{name: value}), "messages")
    assert (result.outcome, result.defects) == ("example", ())


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", UNREAD)
def test_a_flag_of_a_turn_that_cannot_be_read_quarantines_it_for_that(name, value):
    assert convert(chat(**{name: value}), "messages").reason == UNCLEAR


@pytest.mark.parametrize("name", FLAGS_OF_ROWS)
def test_a_row_has_the_same_flags_in_every_shape(name):
    for row, shape in (
        ({"prompt": "2+3?", "completion": TEXT}, "completion"),
        ({"question": "2+3?", "answer": "Five.\n#### 5"}, "gsm8k"),
        (chat(), "messages"),
    ):
        for value in OFF:
            assert convert({**row, name: value}, shape).reason == NOT_TRAINED
        for value in ON + SILENT:
            assert convert({**row, name: value}, shape).defects == ()
        for value in UNREAD:  # `weight` may be something of the row: 3 kg
            result = convert({**row, name: value}, shape)
            assert result.outcome == "example"
            assert [defect.phrase for defect in result.defects] == [UNCLEAR_ROW]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"weight": 1, "train": False}, False),
        ({"weight": "x", "train": "no"}, False),
        ({"weight": "x", "train": True}, UNREADABLE),
        ({"weight": None, "train": "yes"}, True),
        ({"content": 0, "Weight": 0}, None),
    ],
)
def test_one_flag_that_is_off_counts_more_than_others(fields, expected):
    assert training_flag(fields) == expected


def test_both_phrases_have_a_severity():
    assert (SEVERITY[UNCLEAR], SEVERITY[UNCLEAR_ROW]) == ("error", "warning")


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_flag_keeps_only_rows_of_the_train_split_from_training(split):
    rows = (
        ({"question": "2+3?", "answer": "Five.\n#### 5", "train": False}, "gsm8k"),
        (chat(weight=0), "messages"),
        ({**chat(), "weight": "x"}, "messages"),
        (chat(weight="x"), "messages"),
    )
    for row, shape in rows:
        result = convert(row, shape, split=split)
        assert (result.outcome, result.defects) == ("example", ())
        assert convert(row, shape).defects
