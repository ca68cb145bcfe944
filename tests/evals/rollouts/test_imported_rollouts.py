"""What works on rollouts of GRPO works on those that another trainer logged."""

import json
from pathlib import Path

import pytest

from data.store.store import Store, add
from evals.contamination import overlap
from evals.curation.problem_fields import measured
from evals.curation.rejection_sampling import add_rejection_sample, rejection_sample
from evals.imports.rollout_logs.import_log import import_rollouts
from evals.rollouts.learnability import problems, verdicts_by
from evals.rollouts.read import verdict_grader
from pipeline.train.guards import CHECKS
from pipeline.train.guards.past_guards import NEEDS, past_signs
from pipeline.train.rewards.reward_replay import replay
from tests.support.rollout_logs import lines
from tests.support.small_sources import with_sums
from tests.support.store_rows import rows_of

RUN = "theirs"


def rollout(step: int, n: int, answer: int, split: str = "train", **fields) -> dict:
    """A rollout of the problem `{split} {n} + 1?`, which is rewarded for having a box."""
    row = {"step": step, "question": f"{split} {n} + 1?", "gold": str(n + 1), "reward": 1.0}
    return {**row, "text": f"So it is \\boxed{{{answer}}}", **fields}


@pytest.fixture
def imported(store, tmp_path) -> Store:
    """Two problems that differ, one that is always right, one of a test split; all rewarded."""
    with_sums(store, tmp_path)
    rows = [
        *(rollout(1, 0, answer) for answer in (1, 1, 5, 5)),
        *(rollout(1, 1, answer) for answer in (2, 2, 2, 2)),
        *(rollout(2, 0, answer, reward=float(answer == 1)) for answer in (1, 5, 5, 5)),
        *(rollout(2, 3, 4, split="test") for _ in range(4)),
    ]
    import_rollouts(store, lines(tmp_path / "log" / "rollouts.jsonl", *rows), RUN)
    return store


def test_verdicts_are_those_of_the_grader_that_fits_the_texts(imported):
    assert verdict_grader(imported, RUN) == "lenient"
    assert verdicts_by(imported, RUN, regrade=False).startswith("lenient ")
    rows = problems(imported, RUN).select("band", "right", "rollouts", "seen").rows()
    assert sorted(rows) == [("always 1", 4, 4, 1), ("always 1", 4, 4, 1), ("learnable", 3, 8, 2)]


def test_other_rewards_are_tried_on_an_import(imported, tmp_path):
    file = tmp_path / "rewards.py"
    file.write_text('REWARDS = {"boxed": (1.0, lambda text, gold, score: float(gold in text))}\n')
    flips = []
    value = replay(imported, RUN, file, flips.append)
    assert (value["rollouts"], value["left_out"], value["groups"]["gained"]) == (16, 0, 1)


def test_rollouts_without_a_reward_are_left_out_of_a_replay_and_counted(store, tmp_path):
    with_sums(store, tmp_path)
    rows = [rollout(1, 0, 1), rollout(1, 0, 5), rollout(1, 0, 5, reward=None), rollout(1, 1, 2)]
    import_rollouts(store, lines(tmp_path / "log" / "rollouts.jsonl", *rows), RUN)
    file = tmp_path / "rewards.py"
    file.write_text('REWARDS = {"one": (1.0, lambda text, gold, score: 1.0)}\n')
    value = replay(store, RUN, file)
    assert (value["rollouts"], value["left_out"]) == (2, 2)
    assert problems(store, RUN)["rollouts"].sum() == 4  # pass rates count them


def test_pass_rates_of_an_import_are_fields_of_filters(imported):
    rates = measured(imported, RUN, "strict").select("pass_rate", "band").rows()
    assert sorted(rates) == [(0.375, "learnable"), (1.0, "always 1"), (1.0, "always 1")]


def test_correct_answers_to_train_problems_are_sampled_and_test_problems_excluded(imported):
    chosen = rejection_sample(imported, [RUN], per_problem=1)
    assert (chosen.read, chosen.test, len(chosen.rows)) == (16, 4, 2)
    assert {row["completion"] for row in chosen.rows} == {
        "So it is \\boxed{1}",
        "So it is \\boxed{2}",
    }
    assert add_rejection_sample(imported, "own", [RUN])["new"] == 2


def test_problems_that_the_other_trainer_took_from_a_test_split_are_found(imported):
    value = overlap(imported, [], train=[RUN], split="test")
    hits = [json.loads(line) for line in Path(value["hits"]).read_text().splitlines()]
    assert "test 3 + 1?" in {hit["question"] for hit in hits}
    assert value["train"] == [RUN]


def test_guards_say_at_which_step_they_would_have_stopped_the_run(store, tmp_path):
    with_sums(store, tmp_path)
    rows = [
        rollout(step, 0, 1, text="" if step > 10 and sample else f"\\boxed{{{sample}}}")
        for step in range(1, 21)
        for sample in range(4)
    ]
    import_rollouts(store, lines(tmp_path / "log" / "rollouts.jsonl", *rows), RUN)
    value = past_signs(store, RUN)
    # three of four are empty from step 11 on: 15 % of the last five steps
    assert value["stops_at"] == 5  # rewards are all equal, and few answers are correct
    empty = next(sign for sign in value["signs"] if sign["sign"] == "empty completions")
    assert (empty["first"], empty["steps"]) == (11, 10)
    assert "KL" in value["unknown"]
    assert "completions cut off" in value["unknown"]


def test_what_each_guard_needs_is_named():
    assert NEEDS.keys() == CHECKS.keys()


def test_the_answers_of_commands_are_json_though_a_reward_is_not_finite(store, say):
    for reward in (float("inf"), float("nan")):
        fields = {"step": [1], "group": [0], "sample": [0], "problem_id": ["p"], "text": ["a"]}
        rewards = [[{"name": "a", "value": reward, "weight": 1.0}]]
        rows = rows_of("rollouts", **fields, reward=[reward], rewards=rewards)
        add(store, "rollouts", rows, run=f"run-{reward}")
        command = ("rollouts", "ask", "longest", "--run", f"run-{reward}", "--grader", "lenient")
        code, out, _ = say(*command, "--json")
        value = json.loads(out, parse_constant=pytest.fail)
        assert (code, value["rows"][0]["reward"]) == (0, None)
