"""Lengths of the completions that SFT learns from, beside the limits of what is generated later."""

import pytest

from pipeline.batches.budgets import EVAL, GRPO, beside_limits, disagreement
from pipeline.config import BadConfig, Preset
from pipeline.presets.load import load_preset


def limited(grpo: int, evaluation: int, **data) -> Preset:
    preset = load_preset("tiny").with_knobs("grpo", max_tokens=grpo)
    return preset.with_knobs("eval", max_tokens=evaluation).with_knobs("data", **data)


def test_percentiles_are_lengths_of_completions():
    of_a_hundred = beside_limits(range(1, 101), limited(95, 200)).to_json()
    assert of_a_hundred == {
        "completions": 100, "p50": 50, "p90": 90, "p99": 99, "longest": 100,
        GRPO: 95, EVAL: 200, f"longer than {GRPO}": 5, f"longer than {EVAL}": 0,
    }  # fmt: skip
    assert beside_limits([7], limited(5, 5)).to_json()["p50"] == 7
    assert beside_limits([], limited(5, 5)).to_json() == {"completions": 0}


@pytest.mark.parametrize(
    ("grpo", "evaluation", "knobs"),
    [(90, 90, ()), (89, 90, (GRPO,)), (90, 89, (EVAL,)), (64, 32, (GRPO, EVAL)), (100, 1, (EVAL,))],
)
def test_more_than_one_in_ten_beyond_a_limit_is_a_disagreement(grpo, evaluation, knobs):
    preset = limited(grpo, evaluation)
    why = disagreement(beside_limits(range(1, 101), preset), preset)
    assert [knob for knob in (GRPO, EVAL) if f"--set {knob}=" in (why or "")] == list(knobs)
    assert (why is None) == (knobs == ())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.99])
@pytest.mark.parametrize("n", [1, 3, 10, 97])
def test_the_nearest_limit_agrees_and_the_next_smaller_one_would_not(n, share):
    tokens = [130 * k for k in range(1, n + 1)]
    preset = limited(1, 1, longer_than_rollouts=share)
    limit = beside_limits(tokens, preset).agreeing(share)
    larger, smaller = limited(limit, limit), limited(limit - 64, limit - 64)
    assert (
        beside_limits(tokens, larger).longer(GRPO)
        <= share
        < beside_limits(tokens, smaller).longer(GRPO)
    )
    assert limit % 64 == 0


def test_the_message_has_the_numbers_and_settings_that_agree():
    preset = limited(64, 500)
    why = disagreement(beside_limits(range(1, 201), preset), preset)
    assert why is not None
    assert "200 completions of p50 100, p90 180, p99 198 tokens: 68% longer than" in why
    assert "--set grpo.max_tokens=192, or" in why
    assert "--set data.records_filter='completion_tokens <= 64'" in why
    assert "--set data.longer_than_rollouts=1" in why
    filtered = preset.with_knobs("data", records_filter="row < 5 or row > 9")
    why = disagreement(beside_limits(range(1, 201), filtered), filtered)
    assert "data.records_filter='(row < 5 or row > 9) and completion_tokens <= 64'" in str(why)
    of_subset = preset.with_knobs("data", subset="short@2")
    why = disagreement(beside_limits(range(1, 201), of_subset), of_subset)
    assert "subset new NAME --parent short@2 --where 'completion_tokens <= 64'" in str(why)


def test_a_share_of_one_lets_everything_through():
    preset = limited(1, 1, longer_than_rollouts=1.0)
    assert disagreement(beside_limits(range(1, 201), preset), preset) is None
    with pytest.raises(BadConfig, match="longer_than_rollouts must be a fraction"):
        limited(1, 1, longer_than_rollouts=1.1)


def test_no_filter_is_proposed_that_would_leave_no_record():
    preset = load_preset("tiny").with_knobs("grpo", max_tokens=16)
    why = disagreement(beside_limits(range(900, 1000), preset), preset)
    assert why is not None
    assert "--set grpo.max_tokens=" in why
    assert "those that fit" not in why
