"""`dpo`: what it refuses before anything is trained, and what it leaves when it trains."""

import json

import pytest

from data.store import runs
from tests.support import few_rows

KNOBS = ("--steps", "2", "--batch", "2", "--set", "data.heldout=2", "--set", "eval.batch=4",
         "--set", "eval.max_tokens=16")  # fmt: skip


@pytest.fixture
def rows(tmp_path) -> tuple[str, ...]:
    written = few_rows.written(tmp_path / "rows")
    return ("--set", f"data.problems_from={written.problems}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--loss", "kto"], ["'kto'", "dpo, ipo, orpo"]),
        (["--beta", "0"], ["beta must be above 0"]),
        (["--label-smoothing", "0.5"], ["label_smoothing", "below 0.5"]),
        (["--loss", "orpo", "--nll-weight", "1"], ["nll_weight", "orpo has that loss already"]),
        (["--resume", "dpo-1", "--pairs-of", "grpo-1"], ["--resume", "leave out --pairs-of"]),
        ([], ["no finished run of sft", "thinkbench sft"]),
        (["--in-run"], ["No such option", "--in-run"]),
    ],
    ids=" ".join,
)
def test_what_cannot_be_trained_is_refused_with_what_to_do(say, arguments, words):
    code, out, err = say("dpo", *arguments)
    assert (code, out) == (2, "")
    assert [word for word in words if word not in err] == []


def test_a_run_that_answered_no_train_problem_has_no_pairs(say, store, few, rows):
    runs.begin(store, "eval", run="e", stage="base", config={}, seed=0, inputs={})
    runs.end(store, "e", "done", {})
    code, _, err = say("dpo", "--model", few, "--pairs-of", "e", *KNOBS, *rows)
    assert code == 2
    assert "0 pairs of a correct and an incorrect answer" in err
    assert "in the answers of e" in err


def test_a_run_that_is_none_of_dpo_is_not_resumed(say, store, few, rows):
    code, _, err = say("dpo", "--model", few, "--resume", "sft-1", *KNOBS, *rows)
    assert code == 2
    assert "there is no dpo run 'sft-1' to resume" in err


def test_a_model_samples_answers_for_its_own_pairs(say, store, few, rows):
    """This one is never right, so it has no pairs; its answers are an evaluation of the store."""
    sampling = ("--samples", "2", "--sampled-problems", "3")
    code, _, err = say("dpo", "--model", few, *sampling, *KNOBS, *rows)
    assert code == 2
    assert "problems with fewer than a correct and an incorrect answer" in err
    code, out, _ = say("runs", "list", "--kind", "eval-train", "--json")
    [run] = json.loads(out)["runs"]
    assert run["run"].startswith("eval-base-train-")
