"""Times that follow from what a step needs."""

import pytest

from pipeline.config import Preset
from pipeline.preflight import steps
from pipeline.preflight.chips import CHIPS, GIB, chip_of
from pipeline.preflight.estimate import estimated
from pipeline.preflight.needs import likely_seconds, seconds
from tests.support.compiled_preset import as_compiled

V6E = as_compiled()


def named(preset: Preset) -> dict[str, steps.Step]:
    return {step.name: step for step in steps.steps_of(preset)}


def test_a_decode_step_takes_at_least_the_time_to_read_weights_and_cache():
    decode = named(V6E)["rollout decode"]
    needs = estimated(decode, V6E, CHIPS["v6e"].memory)
    assert seconds(needs, CHIPS["v6e"]) == pytest.approx(needs.moved / 1_640e9)
    assert seconds(needs, chip_of("cpu")) is None  # its speed is unknown


def test_the_likely_time_assumes_a_share_of_the_chips_peak():
    needs = {name: estimated(step, V6E, GIB) for name, step in named(V6E).items()}
    v6e = CHIPS["v6e"]
    training, decode = needs["sft"], needs["rollout decode"]
    assert likely_seconds(training, v6e) == pytest.approx(training.flops / (0.4 * 918e12))
    assert likely_seconds(decode, v6e) == pytest.approx(decode.moved / (0.6 * 1_640e9))
    assert likely_seconds(training, chip_of("cpu")) is None
