"""Verification says verified only where stored scores were compared, and says why it does not."""

import json

import polars as pl
import pytest

from data.store import runs
from data.store.store import Store, add, add_generations, ask
from evals.audit.verify import verify
from evals.graders.rules import GRADERS
from evals.scores.grade import grade_generations, grade_missing
from tests.support.store_rows import rows_of

RIGHT = "<reasoning>so it is</reasoning>\n<answer>7</answer>"


def evaluated(store: Store, run: str, *texts: str, grader: str = "strict") -> pl.DataFrame:
    """A run whose answers to problems with the reference answer 7 are graded; its scores."""
    n = len(texts)
    ids = [f"p{i}" for i in range(n)]
    add(store, "problems", rows_of("problems", problem_id=ids, gold=["7"] * n), run=run, once=run)
    common = {"generation_id": [f"{run}-{i}" for i in ids], "problem_id": ids, "sample": [0] * n}
    generations = rows_of("generations", **common, text=list(texts)).with_columns(
        run=pl.lit(run), stage=pl.lit("sft"), gold=pl.lit("7")
    )
    scores = grade_generations(generations, grader)
    add_generations(
        store, generations.drop("run", "stage", "gold"), scores.drop("run", "stage"), run=run,
        stage="sft",
    )  # fmt: skip
    return scores.drop("run", "stage")


def replaced(store: Store, run: str, scores: pl.DataFrame) -> None:
    """A run whose generations have these scores alone, as an older version had written them."""
    for path in store.folder.glob(f"scores/run={run}/**/*.parquet"):
        rows = pl.read_parquet(path)
        rows.update(scores, on="generation_id").write_parquet(path)


def test_scores_that_agree_with_their_texts_are_verified(store):
    evaluated(store, "r", RIGHT, "7", "no idea")
    report = verify(store)
    assert (report["verified"], report["compared"], report["reasons"]) == (True, 3, [])


def test_a_store_without_generations_is_not_verified(store):
    report = verify(store)
    assert (report["verified"], report["compared"]) == (False, 0)
    assert "no generations" in report["reasons"][0]


def test_a_run_all_of_whose_scores_an_older_grader_gave_is_not_verified(store):
    scores = evaluated(store, "r", RIGHT, "8")
    replaced(store, "r", scores.with_columns(grader_version=pl.lit("0")))
    report = verify(store)
    assert (report["verified"], report["compared"], report["old"]) == (False, 0, 2)
    assert report["reasons"][0] == "r: no score was compared"
    assert "thinkbench grade --run r" in report["reasons"][1]


def test_one_run_that_was_not_compared_is_named_beside_one_that_was(store):
    evaluated(store, "good", RIGHT)
    scores = evaluated(store, "stale", RIGHT)
    replaced(store, "stale", scores.with_columns(grader_version=pl.lit("0")))
    report = verify(store)
    assert not report["verified"]
    assert {row["run"]: row["verified"] for row in report["runs"]} == {"good": True, "stale": False}
    assert verify(store, "good")["verified"]


def test_scores_of_a_grader_that_is_unknown_here_are_no_comparison(store):
    scores = evaluated(store, "r", RIGHT)
    replaced(store, "r", scores.with_columns(grader=pl.lit("of somebody else")))
    report = verify(store)
    assert (report["verified"], report["outdated"], report["compared"]) == (False, 0, 0)


def test_old_scores_beside_new_ones_of_the_same_grader_are_no_fault(store):
    scores = evaluated(store, "r", RIGHT, "8")
    add(store, "scores", scores.with_columns(grader_version=pl.lit("0")), run="r", stage="sft")
    report = verify(store)
    assert (report["verified"], report["old"], report["outdated"]) == (True, 2, 0)


def test_a_second_grader_that_is_behind_is_not_hidden_by_the_first(store):
    evaluated(store, "r", RIGHT, "8")
    grade_missing(store, "r", "lenient")
    lenient = ask(store, "from scores where grader = 'lenient'").drop("run", "stage")
    math = lenient.with_columns(grader=pl.lit("math"), grader_version=pl.lit("0"))
    add(store, "scores", math, run="r", stage="sft")
    report = verify(store)
    assert (report["verified"], report["outdated"], report["compared"]) == (False, 2, 4)
    grade_missing(store, "r", "math")
    assert verify(store)["verified"]


def test_some_generations_of_a_grader_that_is_behind_are_counted(store):
    scores = evaluated(store, "r", RIGHT, "8", "9")
    first = pl.col("generation_id") == "r-p0"
    version = pl.when(first).then(pl.lit("0")).otherwise("grader_version")
    replaced(store, "r", scores.with_columns(grader_version=version))
    report = verify(store)
    assert (report["verified"], report["outdated"], report["compared"]) == (False, 1, 2)


def test_the_same_scores_stored_twice_are_verified_and_counted(store):
    scores = evaluated(store, "r", RIGHT, "8")
    add(store, "scores", scores, run="r", stage="sft")
    report = verify(store)
    assert (report["verified"], report["twice"], report["compared"]) == (True, 2, 4)


@pytest.mark.parametrize("copy", ["first", "second"])
def test_of_a_score_stored_twice_each_copy_is_compared(store, copy):
    scores = evaluated(store, "r", RIGHT, "8")
    wrong = scores.with_columns(correct=~pl.col("correct"))
    if copy == "first":
        replaced(store, "r", wrong)
    add(store, "scores", scores if copy == "first" else wrong, run="r", stage="sft")
    report = verify(store)
    assert not report["verified"]
    assert report["runs"][0]["by_what"]["strict correct"] == 2


def test_a_problem_that_has_two_reference_answers_is_named_and_not_verified(store):
    evaluated(store, "r", RIGHT, "8")
    other = rows_of("problems", problem_id=["p0", "p1", "p9"], gold=["8", "7", "1"])
    add(store, "problems", other, run="s")
    assert verify(store, "r")["verified"]  # it brought the problems itself
    generations = ask(store, "select * exclude (run, stage) from generations where run = 'r'")
    scores = ask(store, "select * exclude (run, stage) from scores where run = 'r'")
    add_generations(store, generations, scores, run="t", stage="sft")
    report = verify(store, "t")
    assert (report["verified"], report["ambiguous"]) == (False, 1)
    assert "several questions or reference answers" in " ".join(report["reasons"])


def test_generations_without_a_score_are_not_verified(store):
    scores = evaluated(store, "r", RIGHT, "8")
    other = scores.with_columns(generation_id=pl.lit("r-x") + pl.col("generation_id"))
    replaced(store, "r", scores)
    [path] = store.folder.glob("scores/run=r/**/*.parquet")
    pl.concat([pl.read_parquet(path).head(1)]).write_parquet(path)
    report = verify(store)
    assert (report["verified"], report["not_graded"], len(other)) == (False, 1, 2)


def test_the_command_leaves_with_1_and_says_that_nothing_was_compared(here, say):
    scores = evaluated(here, "r", RIGHT)
    replaced(here, "r", scores.with_columns(grader_version=pl.lit("0")))
    code, out, _ = say("verify")
    assert (code, "Not verified: r: no score was compared" in out) == (1, True)
    code, out, _ = say("verify", "--json")
    assert (code, json.loads(out)["verified"]) == (1, False)


def test_every_grader_is_compared(store):
    evaluated(store, "r", RIGHT)
    for grader in GRADERS:
        grade_missing(store, "r", grader)
    assert verify(store)["compared"] == len(GRADERS)


@pytest.mark.parametrize("keeps", [False, True])
def test_a_run_that_lost_its_texts_is_not_verified_after_a_repair(store, tmp_path, keeps):
    runs.begin(store, "eval", run="r", config={}, seed=0, inputs={})
    evaluated(store, "r", RIGHT, "7")
    runs.end(store, "r", "done", {})
    evaluated(store, "other", RIGHT)
    [texts] = (store.folder / "texts/run=r").rglob("*.parquet")
    [scores] = (store.folder / "scores/run=r").rglob("*.parquet")
    texts.rename(tmp_path / "texts")
    if not keeps:
        scores.rename(tmp_path / "scores")
    assert runs.repair(store)["runs"] == ["r"]
    reports = [verify(store), verify(store, "r")]
    assert [(report["verified"], report["lost"]) for report in reports] == [
        (False, 1 if keeps else 2)
    ] * 2
    assert "thinkbench store repair" in " ".join(reports[0]["reasons"])
    (tmp_path / "texts").rename(texts)
    if not keeps:
        (tmp_path / "scores").rename(scores)
    assert runs.repair(store)["whole"] == ["r"]
    assert (verify(store)["verified"], verify(store, "r")["compared"]) == (True, 2)
