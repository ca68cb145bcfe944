"""`thinkbench preflight`: what it prints, and its exit code."""

import json

import pytest

from pipeline.preflight.chips import CHIPS
from pipeline.preflight.estimate import estimated
from pipeline.preflight.step_notation import COMPARED, parse_step
from pipeline.presets.load import load_preset

V6E = load_preset("v6e-1")


def test_the_command_prints_one_object_and_fails_if_a_step_does_not_fit(say):
    code, out, _ = say("preflight", "--estimate", "--json")
    value = json.loads(out)
    assert (code, value["fits"], value["how"]) == (0, True, "estimated")
    assert {row["step"] for row in value["steps"]} >= {"sft", "grpo", "rollout decode"}
    knobs = ("--set", "sft.batch=256")
    code, out, _ = say("preflight", "--estimate", "--json", *knobs)
    value = json.loads(out)
    assert (code, value["fits"]) == (1, False)
    [proposal] = value["proposals"]
    assert proposal["assignments"][0].startswith("sft.batch=")


def test_one_command_compares_all_steps(say):
    code, out, _ = say("preflight", "--estimate", "--compare")
    assert code == 0  # ours fit
    assert [out.count(step) for step in COMPARED] == [2, 2, 2, 2]


@pytest.mark.parametrize("how", ["--compare", "--estimate"])
def test_a_step_given_by_its_numbers_gets_the_nearest_one_that_fits(say, how):
    options = ["--step", "sft:64x16384", "--step", "grpo:4096x1024", "--step", "sft:1x4096"]
    code, out, _ = say("preflight", "--estimate", "--json", *options, how)
    value = json.loads(out)
    assert (code, value["fits"]) == (1, False)
    assert [(one["step"], one["instead"]) for one in value["proposals"]] == [
        ("sft:64x16384", "sft:8x16384"),
        ("grpo:4096x1024", "grpo:128x256+768"),
    ]
    for one in value["proposals"]:
        assert estimated(parse_step(one["instead"], V6E), V6E, CHIPS["v6e"].memory).fits
    _, out, _ = say("preflight", "--estimate", "--step", "sft:64x16384")
    assert "sft:64x16384 would fit as sft:8x16384, with about" in out


def test_times_are_shown_as_a_bound_and_under_a_stated_assumption(say):
    _, out, _ = say("preflight", "--estimate", "--json")
    value = json.loads(out)
    assert value["assumed"] == {"operations_reached": 0.4, "bandwidth_reached": 0.6}
    sft, grpo = value["stages"]
    rows = {row["step"]: row for row in value["steps"]}
    assert sft["seconds"] == pytest.approx(200 * rows["sft"]["seconds"])
    assert sft["likely_seconds"] == pytest.approx(sft["seconds"] / 0.4)
    assert grpo["seconds"] / 0.6 < grpo["likely_seconds"] < grpo["seconds"] / 0.4
    _, out, _ = say("preflight", "--estimate")
    words = " ".join(out.split())
    assert "at peak likely" in words
    assert "assumes 40% of the peak's operations and 60% of its bandwidth" in words
    assert "completions all have the maximum length" in words
    assert "moved" in words
