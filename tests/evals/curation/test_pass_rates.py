"""Pass rates of problems, as filters read them: overrides count, unknown is not correct."""

import pytest

from data.store import annotations, runs
from data.store.store import ask
from evals.curation.problem_fields import measured
from tests.support.store_rows import scored


@pytest.fixture
def run(store):
    runs.begin(store, "import", run="run", config={}, seed=None, inputs={})
    return "run"


def rate(store, problem="p"):
    rows = measured(store, "run", "strict").filter(problem_id=problem)
    return rows["pass_rate"].item(), rows["answers"].item()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([True, False], (0.5, 2)),
        ([True, None], (0.5, 2)),
        ([True, None, None, None], (0.25, 4)),
        ([False, None], (0, 2)),
        ([None, None], (None, 2)),
        ([True, True], (1, 2)),
    ],
)
def test_an_unknown_verdict_is_not_correct_and_no_verdict_is_no_rate(store, run, answers, expected):
    scored(store, run, {"p": answers})
    assert rate(store) == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("right", (1, 2)), ("wrong", (0.5, 2)), ("unknown", (0.5, 2)), ("as graded", (0.5, 2))],
)
def test_a_persons_verdict_counts_in_a_pass_rate(store, run, verdict, expected):
    scored(store, run, {"p": [True, False]})
    [wrong] = ask(store, "select generation_id from scores where not correct")["generation_id"]
    annotations.override(store, wrong, "strict", "right", "I read it", "ann")
    assert rate(store) == (1, 2)
    annotations.override(store, wrong, "strict", verdict, "I read it again", "ann")
    assert rate(store) == expected
