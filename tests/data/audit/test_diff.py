"""Two conversions side by side: every row that changed is named, with what changed."""

import json

import pytest

from data.audit import diff
from data.conversion.convert import VERSION
from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.ingest import ingest

PLAIN = VERSION
BOX = f"{VERSION}+answer-from-box"
TEXTS = [
    "<think>a</think>So it is \\boxed{7}.",  # the box alone is the answer under the rule
    "<think>a</think>7",  # no box: quarantined under the rule
    "no thought at all",  # quarantined under both
]


@pytest.fixture
def converted_twice(store, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps({'prompt': 'q', 'completion': t})}\n" for t in TEXTS))
    ingest(store, "mine", path, "completion")
    convert_source(store, "mine")
    convert_source(store, "mine", frozenset({"answer-from-box"}))
    return store


def test_each_changed_row_says_what_changed(converted_twice):
    rows = diff.changed_rows(converted_twice, "mine", PLAIN, BOX)
    assert rows.select("row_number", "change", "second_reason").rows() == [
        (0, "another answer", None),
        (1, "an example, now quarantined", "boxed answer missing"),
    ]


def test_the_other_way_round_the_changes_are_the_other_way_round(converted_twice):
    summary = diff.summary(converted_twice, "mine", BOX, PLAIN)
    assert summary["by_change"] == {"another answer": 1, "quarantined, now an example": 1}
    assert summary["changed"] == 2 == len(summary["rows"])


def test_a_conversion_differs_from_itself_in_nothing(converted_twice):
    assert diff.changed_rows(converted_twice, "mine", BOX, BOX).is_empty()


def test_a_conversion_that_was_never_made_is_refused_with_those_there_are(converted_twice):
    with pytest.raises(UserError, match=rf"expected one of: {PLAIN}, {PLAIN}\+answer-from-box"):
        diff.changed_rows(converted_twice, "mine", PLAIN, "0.9")
