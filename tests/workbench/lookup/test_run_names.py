"""Names of runs: what people call a run, what it is, when it began, how large it was."""

from datetime import UTC, datetime

import pytest

from data.store import runs
from data.store.annotations import BadEntry, note_run
from workbench.lookup.names_of_runs import run_name, run_names

AT = datetime(2026, 11, 6, 18, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("run", "kind", "stage", "summary", "name", "expected"),
    [
        ("sft-6b6667f0d872", "sft", "sft", {"examples": 1500, "preset": "tiny"}, "",
         "sft · 6 Nov 18:04 · tiny · 1,500 examples · 6b6667"),
        ("eval-grpo-1c1cd9ee8489", "eval", "grpo", {"problems": 1}, "",
         "eval grpo · 6 Nov 18:04 · 1 problem · 1c1cd9"),
        ("ingest-my-rows-78583870d97b", "ingest", None, {"read": 3}, "",
         "ingest my-rows · 6 Nov 18:04 · 3 rows · 785838"),
        ("sky", "import", None, {"imported": 500}, "",
         "sky · import · 6 Nov 18:04 · 500 generations"),
        ("sky", "import", "base", None, "Sky T1", "Sky T1 · import base · 6 Nov 18:04"),
        ("x-123", "a-new-kind", None, {"read": 3}, "", "x-123 · a-new-kind · 6 Nov 18:04"),
    ],
)  # fmt: skip
def test_a_name_says_what_a_run_is_and_leaves_out_what_is_not_recorded(
    run, kind, stage, summary, name, expected
):
    facts = {"run": run, "kind": kind, "stage": stage, "started_at": AT, "summary": summary}
    assert run_name({**facts, "name": name}) == expected


def test_the_newest_note_counts_and_an_empty_one_takes_the_name_back(store):
    runs.begin(store, "import", run="sky", config={}, seed=None, inputs={})

    def first_part() -> str:
        return run_names(store)["sky"].split(" · ")[0]

    assert first_part() == "sky"
    note_run(store, "sky", " Sky\n  T1 ", "as published", "ana")
    assert first_part() == "Sky T1"
    note_run(store, "sky", "", "as published", "bo")
    assert first_part() == "sky"
    with pytest.raises(BadEntry, match="has 61 characters; expected at most 60"):
        note_run(store, "sky", "x" * 61, "", "ana")
