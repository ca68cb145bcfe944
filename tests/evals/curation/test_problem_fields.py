"""The run that a filter on pass rates reads: it is finished, named, and stays in the recipe."""

import json
from pathlib import Path

import pytest

from data.store import runs
from data.store.store import Store, add, ask, open_store
from data.subsets.recipe import Recipe
from evals.curation import choose
from evals.curation.problem_fields import NotMeasured, finished_run
from tests.support.rollout_rows import rolled
from tests.support.store_rows import copied, rows_of, scored

SOMETIMES = "0 < pass_rate < 1"


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    store = open_store(tmp_path_factory.mktemp("curated") / "store")
    runs.begin(store, "convert", run="convert", config={}, seed=None, inputs={})
    ids = ["a", "b", "c"]
    common = {"record_id": ids, "source": ["s"] * 3}
    add(store, "conversions", rows_of("conversions", **common, converter=["1"] * 3,
                                      outcome=["example"] * 3), run="convert")  # fmt: skip
    problems = rows_of("problems", **common, problem_id=ids, split=["train"] * 3, gold=["7"] * 3,
                       question=ids)  # fmt: skip
    add(store, "problems", problems, run="convert")
    runs.end(store, "convert", "done", {})
    return store.folder


@pytest.fixture
def curated(converted, tmp_path) -> Store:
    """Three problems of a converted source."""
    return copied(converted, tmp_path)


def measured(store: Store, run: str, kind: str, event: str | None, right: list[bool]) -> None:
    """A run that answers the problem a; event: how it ended, None while it runs."""
    runs.begin(store, kind, run=run, config={}, seed=0, inputs={})
    if kind == "grpo":
        rolled(store, run, [(0, 0, "a", ["7" if one else "1" for one in right])], {})
    else:
        scored(store, run, {"a": right})
    if event:
        runs.end(store, run, event, {})


@pytest.mark.parametrize("kind", ["eval", "import", "grpo"])
@pytest.mark.parametrize(
    ("event", "words"),
    [(None, "has not ended"), ("interrupted", "as interrupted"), ("failed", "as failed")],
)
def test_a_run_that_is_not_finished_is_refused(curated, kind, event, words):
    measured(curated, "r", kind, event, [True, False])
    with pytest.raises(NotMeasured, match=words):
        choose.choice(curated, Recipe(of="problems", run="r", where=SOMETIMES))


def test_the_newest_grpo_run_is_the_newest_that_is_finished(curated):
    measured(curated, "first", "grpo", "done", [True, False])
    measured(curated, "second", "grpo", "interrupted", [True, True])
    measured(curated, "third", "grpo", None, [False, False])
    recipe = choose.resolve(curated, Recipe(of="problems", where=SOMETIMES))
    assert recipe.run == "first"
    saved, _ = choose.save(curated, "some", recipe, "Ann")
    measured(curated, "fourth", "grpo", "done", [True, True])
    assert (saved.recipe.run, saved.ids) == ("first", ("a",))
    assert choose.check(curated, saved)["same"]


@pytest.mark.parametrize(
    "where",
    [SOMETIMES, "pass_rate is unknown", "band = learnable", "not seen > 3", "answers >= 1",
     "source = s and (first_solved = 1 or reward_variance > 0)"],
)  # fmt: skip
def test_a_filter_on_results_without_a_finished_run_says_what_to_name(curated, where):
    measured(curated, "running", "grpo", None, [True, True])
    with pytest.raises(NotMeasured, match=r"no finished GRPO run.*--run RUN"):
        choose.choice(curated, Recipe(of="problems", where=where))


@pytest.mark.parametrize("where", ["", "source = s", 'question contains "pass_rate"', "gold = 7"])
def test_a_filter_that_reads_no_results_needs_no_run(curated, where):
    assert finished_run(curated, "", where) == ""


def test_a_run_that_is_not_there_is_refused(curated):
    with pytest.raises(NotMeasured, match="no run 'nowhere'"):
        choose.choice(curated, Recipe(of="problems", run="nowhere", where=SOMETIMES))


def test_the_command_names_the_run_and_keeps_it(curated, say):
    measured(curated, "r", "eval", "done", [True, False])
    command = ["subset", "new", "some", "--of", "problems", "--run", "r", "--where", SOMETIMES]
    code, out, _ = say(*command, "--author", "Ann")
    assert (code, "Pass rates are of the run r." in out) == (0, True)
    [text] = ask(curated, "select filter from subsets")["filter"]
    assert json.loads(text)["run"] == "r"
    code, out, _ = say(*command, "--dry-run", "--json")
    assert (json.loads(out)["run"], json.loads(out)["converters"]) == ("r", {"s": "1"})
