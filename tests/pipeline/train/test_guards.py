"""Guards: each sign of collapse is found when it is there, and a healthy run has none."""

import numpy as np
import pytest

from pipeline.train.guards import CHECKS, WINDOW, Guard, GuardState, signs
from pipeline.train.metrics import StoreMetrics

STEPS = 40
HELDOUT = 256


def healthy() -> dict[str, list[tuple[int, float]]]:
    """A run that learns: right more often, surer, somewhat shorter, less and less to learn from."""
    at = range(1, STEPS + 1)
    return {
        "heldout/answer": [(0, 0.5), (20, 0.48), (40, 0.8)],
        "rollout/reward": [(n, 2 + n / 20) for n in at],
        "rollout/answer": [(n, 0.4 + n / 100) for n in at],
        "rollout/format": [(n, 0.9) for n in at],
        "rollout/tokens": [(n, 200 - 2 * n) for n in at],
        "rollout/empty": [(n, 0.0) for n in at],
        "rollout/truncated": [(n, 0.1) for n in at],
        "rollout/zero_variance_groups": [(n, n / 60) for n in at],
        "actor/train/kl": [(n, n / 40) for n in at],
        "actor/train/entropy": [(n, 1.0 - n / 42) for n in at],
    }


def fell(name: str, start: float, end: float) -> dict[str, list[tuple[int, float]]]:
    """`name` at `start` for the first half, at `end` for the second."""
    return {name: [(n, start if n <= STEPS // 2 else end) for n in range(1, STEPS + 1)]}


FLAT = fell("rollout/reward", 2.0, 2.0)


def test_a_run_that_learns_has_no_sign():
    assert signs(healthy(), HELDOUT) == []


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("held-out accuracy below the start", {"heldout/answer": [(0, 0.5), (20, 0.3), (40, 0.3)]}),
        ("empty completions", fell("rollout/empty", 0.0, 0.05)),
        ("shorter completions", fell("rollout/tokens", 200, 90) | FLAT),
        # a real run: 142 to 74 tokens while its rewards stood still
        ("shorter completions", fell("rollout/tokens", 142, 74) | FLAT),
        ("KL", fell("actor/train/kl", 0.5, 12.0)),
        ("entropy gone", fell("actor/train/entropy", 1.0, 0.1) | fell("rollout/reward", 2.0, 1.0)),
        ("format up, answers down",
         fell("rollout/format", 0.5, 1.0) | fell("rollout/answer", 0.5, 0.2)),
        ("groups without a signal", fell("rollout/zero_variance_groups", 0.1, 1.0)),
        ("completions cut off", fell("rollout/truncated", 0.1, 0.9) | FLAT),
        ("completions cut off", fell("rollout/truncated", 0.7, 0.7) | FLAT),
    ],
)  # fmt: skip
def test_each_sign_is_found_with_what_crossed_which_limit(name, changed):
    present = {sign.name: sign for sign in signs(healthy() | changed, HELDOUT)}
    assert name in present
    assert present[name].value != present[name].limit
    assert present[name].step == STEPS
    assert set(present) <= set(CHECKS)


@pytest.mark.parametrize(
    "changed",
    [
        fell("rollout/tokens", 200, 90),
        fell("actor/train/entropy", 1.0, 0.1),
    ],
)
def test_what_comes_with_rising_rewards_is_no_sign(changed):
    assert signs(healthy() | changed, HELDOUT) == []


def test_a_collapse_after_rewards_have_risen_is_a_sign():
    points = [0.1] * 5 + [3.0] * 20 + [0.2] * 5
    collapsed = {
        "rollout/reward": points,
        "rollout/tokens": [100.0] * 25 + [5.0] * 5,
        "rollout/truncated": [0.1] * 25 + [1.0] * 5,
        "actor/train/entropy": [1.0] * 25 + [0.01] * 5,
    }
    series = {name: list(enumerate(values, 1)) for name, values in collapsed.items()}
    names = {sign.name for sign in signs(series, HELDOUT)}
    assert names >= {"shorter completions", "completions cut off", "entropy gone"}


def test_rewards_that_are_higher_by_their_noise_have_not_risen():
    random = np.random.default_rng(0)
    noisy = [(n, 2 + random.normal(0, 0.5) + n / 400) for n in range(1, STEPS + 1)]
    series = healthy() | fell("rollout/tokens", 200, 90) | {"rollout/reward": noisy}
    assert "shorter completions" in [sign.name for sign in signs(series, HELDOUT)]


def test_one_dip_of_the_accuracy_is_no_sign():
    for dip in (
        [(0, 0.5), (20, 0.3)],
        [(0, 0.5), (20, 0.3), (40, 0.5)],
        [(0, 0.5), (20, 0.6), (40, 0.3)],
    ):
        assert signs(healthy() | {"heldout/answer": dip}, HELDOUT) == []


def test_an_accuracy_within_the_noise_of_few_problems_is_no_sign():
    lower = {"heldout/answer": [(0, 0.5), (20, 0.3), (40, 0.3)]}
    assert signs(healthy() | lower, 16) == []


def test_one_steps_noise_is_no_sign():
    spike = {"actor/train/kl": [(n, 14.0 if n == STEPS else 0.5) for n in range(1, STEPS + 1)]}
    assert signs(healthy() | spike, HELDOUT) == []


def metrics_of(store, series) -> StoreMetrics:
    metrics = StoreMetrics(store, "grpo-x")
    for name, points in series.items():
        for step, value in points:
            metrics.note(step, name, value)
    return metrics


@pytest.mark.parametrize(
    ("action", "expected"),
    [("stop", "stop"), ("roll-back", "roll-back"), ("warn", None), ("off", None)],
)
def test_a_guard_takes_its_action(store, action, expected):
    guard = Guard(action, HELDOUT, metrics_of(store, healthy() | fell("rollout/empty", 0.0, 0.5)))
    assert guard.after(STEPS) == expected
    assert bool(guard.state.signs) == (action != "off")
    assert guard.state.stopped_at == (STEPS if action == "stop" else None)


def test_the_third_time_a_run_would_be_rolled_back_it_stops_and_a_resumed_guard_knows(store):
    metrics = metrics_of(store, healthy())
    guard = Guard("roll-back", HELDOUT, metrics)
    actions, step = [], STEPS
    for _ in range(3):
        for _ in range(2 * WINDOW):
            step += 1
            metrics.note(step, "rollout/empty", 0.5)
        guard = Guard("roll-back", HELDOUT, metrics, GuardState(**guard.as_json()))
        actions.append(guard.after(step))
        # what happened before the roll-back does not count again
        assert actions[-1] == "stop" or guard.after(step) is None
    assert actions == ["roll-back", "roll-back", "stop"]


def test_a_resumed_guard_reports_each_sign_once(store):
    guard = Guard(
        "warn", HELDOUT, metrics := metrics_of(store, healthy() | fell("rollout/empty", 0.0, 0.5))
    )
    guard.after(STEPS)
    reported = list(guard.state.signs)
    assert len(reported) == 1
    guard = Guard("warn", HELDOUT, metrics, GuardState(**guard.as_json()))
    guard.after(STEPS)
    assert guard.state.signs == reported


def test_chosen_answers_that_become_unlikely_are_a_sign():
    def names(change: float) -> list[str]:
        points = [(step, change) for step in range(1, WINDOW + 1)]
        return [sign.name for sign in signs({"dpo/train/change/chosen": points}, heldout=8)]

    assert names(-0.2) == ["chosen answers less likely"]
    assert names(-0.05) == names(0.5) == []
