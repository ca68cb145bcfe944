"""What a run could learn from each problem: counts, intervals, bands, conditions, the verb."""

import json
import math
import random

import numpy as np
import polars as pl
import pytest

from data.errors import UserError
from data.store.store import add
from evals.rollouts import learnability
from evals.rollouts.learnability import BANDS, Conditions, by_problem, problems_in
from evals.statistics.intervals import wilson, wilson_bounds
from tests.support.rollout_rows import UNDECIDED, rolled
from tests.support.store_rows import rows_of
from workbench.cli.commands.rollouts.learnability import BANDS as OPTION_BANDS

RIGHT, WRONG, DOUBTED = True, False, None


def frame(*groups: tuple[str, int, int, list[bool | None]]) -> pl.DataFrame:
    """Rollouts of groups (problem, step, group, verdicts); a right one is worth 1."""
    rows = [
        (problem, step, group, 0, float(right is True), right)
        for problem, step, group, verdicts in groups
        for right in verdicts
    ]
    names = {"problem_id": pl.String, "step": pl.Int64, "group": pl.Int64, "attempt": pl.Int64,
             "reward": pl.Float64, "right": pl.Boolean}  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def band_of(*visits: list[bool | None]) -> str:
    groups = [("p", step, 0, verdicts) for step, verdicts in enumerate(visits, 1)]
    return by_problem(frame(*groups))["band"].item()


@pytest.mark.parametrize(
    ("visits", "band"),
    [
        ([[WRONG] * 4], "always 0"),
        ([[WRONG] * 4, [WRONG] * 4], "always 0"),
        ([[RIGHT] * 4, [RIGHT] * 2], "always 1"),
        ([[WRONG, RIGHT]], "learnable"),
        ([[WRONG] * 4, [RIGHT] * 4], "learnable"),
        ([[RIGHT] * 3 + [WRONG], [WRONG] * 4], "forgotten"),
        ([[RIGHT] * 3 + [WRONG], [WRONG] * 4, [WRONG] * 3 + [RIGHT]], "learnable"),
        ([[WRONG] * 4, [RIGHT] * 4, [WRONG] * 4], "forgotten"),
        # half is not more than half: one lucky visit is no knowledge that could be forgotten
        ([[RIGHT] * 2 + [WRONG] * 2, [WRONG] * 4], "learnable"),
        # unknown is not wrong, and not right
        ([[RIGHT] * 4, [WRONG] * 3 + [DOUBTED]], "learnable"),
        ([[RIGHT] * 2 + [DOUBTED] * 2, [WRONG] * 4], "learnable"),
        ([[WRONG] * 3 + [DOUBTED]], "unknown"),
        ([[RIGHT] * 3 + [DOUBTED]], "unknown"),
        ([[DOUBTED] * 4], "unknown"),
    ],
)
def test_a_problem_has_the_band_that_its_verdicts_say(visits, band):
    assert band_of(*visits) == band


def test_a_problem_is_told_with_its_counts_rates_and_first_steps():
    rows = by_problem(
        frame(
            ("p", 9, 0, [RIGHT, RIGHT, RIGHT, DOUBTED]),
            ("p", 2, 1, [WRONG, WRONG, WRONG, WRONG]),
            ("p", 4, 0, [WRONG, WRONG, RIGHT, WRONG]),
            ("p", 4, 1, [WRONG, WRONG, WRONG, WRONG]),
        )
    )
    row = learnability.problem_to_json(rows.row(0, named=True))
    assert row == {
        "problem_id": "p",
        "band": "learnable",
        "seen": 3,
        "groups": 4,
        "rollouts": 16,
        "unknown": 1,
        "pass_rate": pytest.approx(wilson(4, 16).to_json()),
        "first": pytest.approx({"step": 2, **wilson(0, 4).to_json()}),
        "last": pytest.approx({"step": 9, **wilson(3, 4).to_json()}),
        "reward_variance": pytest.approx(0.125),  # 0, 1/4, 0 and 1/4
        "zero_variance": {"value": 0.5, "n": 4},
        "first_right": 4,
        "first_solved": 9,
    }


def test_groups_of_one_problem_in_one_step_are_one_visit():
    rows = by_problem(frame(("p", 1, 0, [RIGHT, RIGHT]), ("p", 1, 1, [WRONG, WRONG])))
    assert rows.select("seen", "groups", "band", "first_rate").row(0) == (1, 2, "learnable", 0.5)


def test_a_problem_that_could_never_be_decided_has_no_pass_rate():
    row = learnability.problem_to_json(
        by_problem(frame(("p", 1, 0, [DOUBTED] * 3))).row(0, named=True)
    )
    assert row["pass_rate"] == {"value": None, "low": None, "high": None, "n": 0}
    assert (row["first_right"], row["first_solved"]) == (None, None)


def plain(rollouts: pl.DataFrame) -> dict[str, tuple]:
    """The counts of `by_problem`, one rollout after the other."""
    rows = {}
    for problem in set(rollouts["problem_id"]):
        own = rollouts.filter(problem_id=problem)
        visits = [own.filter(step=step)["right"].to_list() for step in sorted(set(own["step"]))]
        groups = own.partition_by("step", "group")
        decided = [right for visit in visits for right in visit if right is not None]
        rows[problem] = (
            len(visits),
            len(groups),
            len(decided),
            sum(decided),
            sum(len(set(group["reward"])) == 1 for group in groups),
            np.mean([np.var(group["reward"].to_numpy(), ddof=1) for group in groups]),
            next((s for s, v in zip(sorted(set(own["step"])), visits, strict=True)
                  if v.count(True) * 2 > len(v)), None),
        )  # fmt: skip
    return rows


def test_the_fast_ledger_is_the_plain_one():
    rng = random.Random(3)
    rollouts = frame(
        *(
            (f"p{rng.randrange(9)}", rng.randrange(6), n,
             [rng.choice([RIGHT, WRONG, WRONG, DOUBTED]) for _ in range(3)])
            for n in range(60)
        )
    )  # fmt: skip
    columns = ("seen", "groups", "known", "right", "zero_variance", "reward_variance",
               "first_solved")  # fmt: skip
    fast = {
        row["problem_id"]: pytest.approx(tuple(row[name] for name in columns), nan_ok=True)
        for row in by_problem(rollouts.sample(fraction=1, shuffle=True, seed=1)).to_dicts()
    }
    assert plain(rollouts) == fast


@pytest.mark.parametrize("n", [1, 2, 8, 96])
def test_many_intervals_at_once_are_those_of_wilson(n):
    right = np.arange(n + 1)
    low, high = wilson_bounds(right, np.full(n + 1, n))
    one_by_one = [wilson(int(k), n) for k in right]
    assert low == pytest.approx([one.low for one in one_by_one])
    assert high == pytest.approx([one.high for one in one_by_one])
    assert ((low <= right / n) & (right / n <= high)).all()


def test_the_interval_of_nothing_is_unknown():
    low, high = wilson_bounds(np.array([0]), np.array([0]))
    assert math.isnan(low[0])
    assert math.isnan(high[0])


@pytest.fixture
def ledgered(store):
    """A run with a problem of each band."""
    rolled(
        store,
        "grpo-1",
        [
            (1, 0, "never", ["1", "2", "3", "4"]),
            (1, 1, "lost", ["7", "7", "7", "4"]),
            (2, 0, "lost", ["1", "2", "3", "4"]),
            (2, 1, "mixed", ["7", "7", "7", "4"]),
            (3, 0, "always", ["7", "7", "7", "7"]),
            (3, 1, "doubted", [UNDECIDED] * 4),
            (4, 0, "rarely", ["7", "1", "1", "1"]),
        ],
        dict.fromkeys(("never", "lost", "mixed", "always", "doubted", "rarely"), "7"),
    )
    return store


def test_each_band_holds_its_problems(ledgered):
    rows = {band: problems_in(ledgered, "grpo-1", band) for band in BANDS}
    assert rows == {
        "always 0": ["never"],
        "learnable": ["mixed", "rarely"],
        "always 1": ["always"],
        "forgotten": ["lost"],
        "unknown": ["doubted"],
    }


def test_conditions_hold_together_and_both_ends_of_a_range_are_in_it(ledgered):
    assert problems_in(ledgered, "grpo-1", pass_rate=(0.25, 0.75)) == ["lost", "mixed", "rarely"]
    assert problems_in(ledgered, "grpo-1", "learnable", (0.5, 0.75)) == ["mixed"]
    assert problems_in(ledgered, "grpo-1", seen=2) == ["lost"]
    assert "doubted" not in problems_in(ledgered, "grpo-1", pass_rate=(0, 1))


@pytest.mark.parametrize("wrong", [(0.9, 0.1), (-0.1, 0.5), (0.5, 1.5), (math.nan, 1)])
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(UserError, match="expected two numbers from 0 to 1"):
        Conditions(pass_rate=wrong)


def test_an_unknown_band_is_told_which_there_are():
    with pytest.raises(UserError, match="always 0, learnable, always 1, forgotten, unknown"):
        Conditions(band="x'; drop table rollouts")


def test_regrading_gives_the_stored_verdicts_of_the_same_grader(ledgered):
    stored = learnability.problems(ledgered, "grpo-1")
    again = learnability.problems(ledgered, "grpo-1", regrade=True)
    assert again.equals(stored)


def test_verdicts_without_a_gold_are_unknown_when_regraded(store):
    rolled(store, "grpo-1", [(1, 0, "p", ["7", "1"])], {})
    assert problems_in(store, "grpo-1", "learnable") == ["p"]
    assert learnability.problems(store, "grpo-1", regrade=True)["band"].to_list() == ["unknown"]


def odd(store, value: float | None, name: str = "answer", reward: float | None = 1.0) -> None:
    part = {"name": name, "value": value, "weight": 1.0}
    rows = rows_of("rollouts", step=[1], group=[0], sample=[0], problem_id=["p"], text=["t"],
                   rewards=[[part]], reward=[reward])  # fmt: skip
    add(store, "rollouts", rows, run="odd")


@pytest.mark.parametrize(("value", "name"), [(0.5, "answer"), (2.0, "answer"), (1.0, "other")])
def test_a_reward_that_is_no_verdict_is_not_taken_for_one(store, value, name):
    odd(store, value, name)
    with pytest.raises(UserError, match=r"expected 1, 0 or nan.*--regrade"):
        problems_in(store, "odd")


@pytest.mark.parametrize("value", [math.nan, None])
def test_a_reward_that_is_nan_is_an_unknown_verdict(store, value):
    odd(store, value)
    assert problems_in(store, "odd", "unknown") == ["p"]


@pytest.mark.parametrize("reward", [None, math.nan, math.inf])
def test_a_rollout_without_a_reward_is_told(store, reward):
    odd(store, 1.0, reward=reward)
    with pytest.raises(UserError, match=r"1 rollouts without a reward .*step 1, group 0"):
        problems_in(store, "odd")


def test_a_run_without_rollouts_is_told_which_have_some(ledgered):
    with pytest.raises(UserError, match=r"no rollouts of run 'nope'.* grpo-1"):
        problems_in(ledgered, "nope")


def test_the_verb_prints_one_object_with_n_everywhere(ledgered, say):
    code, out, err = say("learnability", "--run", "grpo-1", "--band", "learnable", "--json")
    value = json.loads(out)
    assert (code, err) == (0, "")
    assert {band: (share["value"], share["n"]) for band, share in value["bands"].items()} == {
        "always 0": (1 / 6, 6),
        "learnable": (2 / 6, 6),
        "always 1": (1 / 6, 6),
        "forgotten": (1 / 6, 6),
        "unknown": (1 / 6, 6),
    }
    assert [value[name] for name in ("problems", "groups", "rollouts", "unknown", "n")] == [
        6, 7, 28, 4, 2,
    ]  # fmt: skip
    assert (value["pass_rate"]["n"], value["zero_variance"]["n"]) == (5, 6)
    assert [row["problem_id"] for row in value["rows"]] == ["mixed", "rarely"]


def test_the_verb_writes_the_ids_of_all_that_were_asked_for_and_over_no_file(
    ledgered, say, tmp_path
):
    path = tmp_path / "ids.jsonl"
    command = ("learnability", "--run", "grpo-1", "--pass-rate", "0.05", "0.95", "--limit", "1")
    code, out, _ = say(*command, "--ids", path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert code == 0
    assert [row["problem_id"] for row in rows] == ["lost", "mixed", "rarely"]
    assert "3 problems, the first 1" in out
    code, _, err = say(*command, "--ids", path)
    assert (code, "exists already" in err) == (2, True)
    assert {file.name for file in tmp_path.iterdir()} == {"store", "ids.jsonl"}


def test_the_verb_shows_bands_that_hold_nothing(store, say):
    rolled(store, "grpo-1", [(1, 0, "p", ["7", "1"])], {"p": "7"})
    code, out, _ = say("learnability", "--run", "grpo-1", "--band", "forgotten")
    assert (code, "0 problems" in out, "always 1" in out) == (0, True, True)


def test_the_verb_knows_every_band():
    assert tuple(BANDS) == OPTION_BANDS


def test_the_ledger_of_a_real_run_accounts_for_every_rollout(trained):
    rows = learnability.problems(trained["store"], "grpo-test")
    again = learnability.problems(trained["store"], "grpo-test", regrade=True)
    assert int(rows["rollouts"].sum()) == 24
    assert rows.equals(again)  # the reward is the grader
