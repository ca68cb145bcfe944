"""The audit's questions: every row counted once, reasons and defects commonest first."""

import json

import pytest

from data.audit import queries, rows as audit_rows
from data.errors import UserError
from data.store import runs
from data.store.store import Store, add
from tests.support.store_rows import rows_of

HTML = "<b>bold</b> <script>alert(1)</script>"


def defect(phrase: str, severity: str = "error") -> dict:
    return {"phrase": phrase, "severity": severity, "field": "completion", "start": 0, "end": 3}


def convert(
    store: Store, converter: str, defects_by_row: list[list[dict]], run: str = "first"
) -> None:
    """A conversion of the source `s` with one row for each list of defects."""
    runs.begin(store, "convert", run=run, config={}, seed=None, inputs={})
    n = len(defects_by_row)
    ids = [f"record{i}" for i in range(n)]
    why = [next((d["phrase"] for d in d if d["severity"] == "error"), None) for d in defects_by_row]
    add(
        store,
        "records",
        rows_of(
            "records",
            record_id=ids,
            source=["s"] * n,
            row_number=list(range(n)),
            origin=["file.jsonl"] * n,
            body=[json.dumps({"prompt": "p", "completion": HTML})] * n,
        ),
        run=run,
    )
    add(
        store,
        "conversions",
        rows_of(
            "conversions",
            record_id=ids,
            source=["s"] * n,
            converter=[converter] * n,
            outcome=["quarantined" if reason else "example" for reason in why],
            reason=why,
            dialect=["deepseek", *[None] * (n - 1)],
            pattern=["1111", *[None] * (n - 1)],
            defects=defects_by_row,
        ),
        run=run,
    )
    examples = [i for i in range(n) if not why[i]]
    add(
        store,
        "examples",
        rows_of(
            "examples",
            example_id=[f"{ids[i]}+{converter}" for i in examples],
            record_id=[ids[i] for i in examples],
            converter=[converter] * len(examples),
            prompt=["p"] * len(examples),
            reasoning=[HTML] * len(examples),
            answer=["7"] * len(examples),
        ),
        run=run,
    )
    runs.end(store, run, "done", {})


ROWS = [
    [],
    [defect("no thinking")],
    [defect("no answer"), defect("looks cut", "warning")],
    [defect("no answer"), defect("no answer")],
    [defect("looks cut", "warning")],
]


@pytest.fixture
def converted(store) -> Store:
    convert(store, "1", ROWS)
    return store


def test_converted_and_quarantined_add_up_to_what_was_read(converted):
    counts = queries.outcomes(converted, "s", "1")
    assert counts == {
        "read": 5, "converted": 2, "quarantined": 3,
        "held_back": 0, "released": 0, "other_split": 0, "to_train_on": 2,
    }  # fmt: skip


def test_reasons_come_commonest_first_with_their_share_of_all_rows(converted):
    assert queries.reasons(converted, "s", "1").rows() == [
        ("no answer", 2, 0.4),
        ("no thinking", 1, 0.2),
    ]


def test_a_row_with_the_same_defect_twice_counts_once(converted):
    assert queries.defects(converted, "s", "1").rows() == [
        ("looks cut", "warning", 2, 1),
        ("no answer", "error", 2, 0),
        ("no thinking", "error", 1, 0),
    ]


def test_rows_without_a_dialect_are_counted_as_such(converted):
    assert queries.dialects(converted, "s", "1").rows() == [
        (None, None, 4, 1),
        ("deepseek", "1111", 1, 1),
    ]


def test_pages_hold_every_row_once_in_file_order(converted):
    pages = [audit_rows.rows_with(converted, "s", "1", None, page, 2) for page in (1, 2, 3, 4)]
    assert [page["row_number"].to_list() for page in pages] == [[0, 1], [2, 3], [4], []]


def test_a_page_can_be_of_one_defect(converted):
    rows = audit_rows.rows_with(converted, "s", "1", "looks cut", 1, 50)
    assert rows["row_number"].to_list() == [2, 4]


def test_a_quarantined_row_is_shown_as_it_came_without_an_example(converted):
    row = audit_rows.row(converted, "record1", "1")
    assert json.loads(row["body"])["completion"] == HTML
    assert (row["outcome"], row["reason"], row["reasoning"]) == ("quarantined", "no thinking", None)


def test_the_summary_is_of_the_newest_conversion(converted):
    convert(converted, "1+answer-from-box", [[], []], run="second")
    assert queries.summary(converted, "s") == {
        "source": "s",
        "converter": "1+answer-from-box",
        "read": 2,
        "converted": 2,
        "quarantined": 0,
        "held_back": 0,
        "released": 0,
        "other_split": 0,
        "to_train_on": 2,
        "by_reason": {},
        "by_defect": {},
        "by_dialect": {"none": 1, "deepseek": 1},
        "patterns": {"1111": 1},
    }


def test_the_same_record_converted_twice_counts_once(converted):
    convert(converted, "1", ROWS, run="again")
    assert queries.outcomes(converted, "s", "1")["read"] == 5
    assert audit_rows.rows_with(converted, "s", "1", None, 1, 50).height == 5


def test_a_source_that_was_never_converted_is_refused(converted):
    with pytest.raises(UserError, match=r"'t' is converted.*: s.*thinkbench ingest t"):
        queries.summary(converted, "t")
