"""Several correct targets of a problem count alike wherever its answers are graded or shown."""

import json

import pytest

from data.lineage.generations import back
from data.store.store import ask
from evals.audit.grader_audit import audit
from evals.audit.verify import verify
from evals.comparison.compare import compare
from evals.curation.rejection_sampling import rejection_sample
from evals.failures.counts import failure_counts, list_failures
from evals.imports.import_file import import_file
from evals.imports.problems import add_problems
from evals.imports.rollout_logs.records import gold_in
from tests.support.small_sources import RIGHT, rolled_out

GOLD = "7 \u27e8or\u27e9 x + 1"


def imported(store, tmp_path, run: str, *answers: str, gold: object = ("7", "x + 1")) -> dict:
    row = {"problem_id": "p", "question": "What may it be?", "gold": gold}
    path = tmp_path / f"{run}.jsonl"
    rows = [row | {"text": f"#### {text}", "sample": n} for n, text in enumerate(answers)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return import_file(store, path, run)


def test_an_import_of_several_targets_is_graded_failed_compared_and_traced_by_all(store, tmp_path):
    assert imported(store, tmp_path, "a", "7", "1 + x", "8", "8")["graders"] == ["math", "lenient"]
    imported(store, tmp_path, "b", "9", "9", "9", "9", gold=["x+1", "7.0"])
    query = "select run, sample, correct from scores where grader = 'math' order by all"
    assert ask(store, query)["correct"].to_list() == [True, True, False, False] + [False] * 4
    assert ask(store, "select distinct gold from problems where run = 'a'").item() == GOLD
    # one problem under one id, though the second file wrote its targets otherwise
    assert ask(store, "select count(distinct problem_id) from problems").item() == 1
    difference = compare(store, "a", "b", "math")["metrics"]["answer"]
    assert difference["difference"] == pytest.approx(-0.5)
    [stage] = failure_counts(store, "a", "math")["stages"]
    assert stage["categories"]["uncategorised"]["value"] == 0.5
    [first, *_] = list_failures(store, "a", "uncategorised", 5)["rows"]
    assert first["gold"] == GOLD
    generation = ask(store, "select min(generation_id) from generations where run = 'a'").item()
    assert [s.facts["gold"] for s in back(store, generation) if s.kind == "problem"] == [GOLD]
    assert verify(store, "a")["reasons"] == []
    audited = audit(store)
    assert {row["grader"]: row["n"] for row in audited["unsatisfiable"]}["math"] == 0


def test_right_by_any_target_is_kept_by_rejection_sampling(store):
    add_problems(store, "train-problems", {"p": ("What may it be?", "7 \u27e8or\u27e9 8")}, "train")
    rolled_out(store, {"p": [RIGHT.format("so", 8), RIGHT.format("or so", 9)]})
    chosen = rejection_sample(store, ["mine-grpo"])
    assert [row["completion"] for row in chosen.rows] == [RIGHT.format("so", 8)]


def test_what_was_exported_is_imported_with_all_targets(store, tmp_path):
    imported(store, tmp_path, "a", "7")
    imported(store, tmp_path, "again", "1 + x", gold=GOLD)
    query = "select correct from scores where run = 'again' and grader = 'math'"
    assert ask(store, query).item() is True


@pytest.mark.parametrize(
    ("row", "gold"),
    [
        ({"ground_truth": {"target": ["7", "8"]}}, "7 \u27e8or\u27e9 8"),
        ({"answer": [["7", "8"]]}, "7 \u27e8or\u27e9 8"),
        ({"answer": ["#### 7"]}, "7"),
        ({"answer": [" "], "gold": "8"}, "8"),
        ({"answer": [{"a": 1}, "7"], "gold": "8"}, "8"),
    ],
)
def test_rollout_logs_have_several_targets_too(row, gold):
    assert gold_in(row) == gold
