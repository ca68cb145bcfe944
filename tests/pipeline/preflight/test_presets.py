"""The bundled presets beside what preflight says of their chips."""

import math

import pytest

from pipeline.config import LOGITS_BYTES_OF, BadConfig
from pipeline.preflight import report, steps
from pipeline.preflight.chips import CHIPS, chip_of
from pipeline.preflight.estimate import estimated
from pipeline.presets.load import load_preset, preset_names

REAL = [name for name in preset_names() if name != "tiny"]
ROOM = 1 / 1.2  # the estimate is right to about a fifth


def peaks(preset):
    chip = chip_of(preset.model.chip)
    return {
        step.name: estimated(step, preset, chip.memory).peak / chip.memory
        for step in steps.steps_of(preset)
    }


def test_there_is_a_preset_for_each_chip_that_can_train_gemma():
    chips = {load_preset(name).model.chip for name in REAL}
    assert chips == {"v6e", "v5e", "h100", "h200"}
    assert {"v6e-1", "v5e-8", "v6e-8", "h100", "h200"} <= set(REAL)


@pytest.mark.parametrize("name", REAL)
def test_a_preset_fits_its_chip_with_the_error_of_the_estimate_to_spare(name):
    too_large = {step: share for step, share in peaks(load_preset(name)).items() if share > ROOM}
    assert too_large == {}


@pytest.mark.parametrize("name", REAL)
def test_twice_the_rows_of_a_backward_pass_would_not_fit_with_that_to_spare(name):
    preset = load_preset(name)
    grpo = preset.grpo
    rows = grpo.micro_batch or grpo.prompts
    more = {"micro_batch": 2 * rows, "prompts": max(grpo.prompts, 2 * rows)}
    assert peaks(preset)["grpo"] <= ROOM < peaks(preset.with_knobs("grpo", **more))["grpo"]


@pytest.mark.parametrize("name", REAL)
def test_a_preset_moves_the_adapters_and_has_lengths_that_agree(name):
    preset = load_preset(name)
    assert preset.model.model == "google/gemma-3-1b-it"
    assert preset.grpo.prompts * preset.grpo.group >= 128
    assert 1e-4 <= preset.grpo.learning_rate <= preset.sft.learning_rate <= 5e-4
    assert preset.grpo.max_tokens == preset.eval.max_tokens
    assert preset.data.records_filter.startswith(
        f"completion_tokens <= {preset.grpo.max_tokens} and not prompt contains"
    )
    assert preset.sft.max_tokens >= preset.grpo.max_tokens + preset.grpo.max_prompt_tokens
    chips = preset.model.fsdp * preset.model.tensor_parallel
    for rows in (preset.sft.batch, preset.grpo.prompts, preset.eval.batch):
        assert rows % chips == 0


@pytest.mark.parametrize("name", REAL)
def test_a_preset_ends_within_a_session_of_nine_hours(name):
    preset = load_preset(name)
    chip = chip_of(preset.model.chip)
    needs = list(
        report.needs_of_steps(
            steps.steps_of(preset), preset, chip, use_compiler=False, progress=lambda *_: None
        )
    )
    sft, grpo, evaluation = report.stage_times(preset, needs, chip, problems=1_319)
    seconds = [one["likely_seconds"] for one in (sft, grpo, evaluation, evaluation, evaluation)]
    assert sum(seconds) < 4.5 * 3600  # half of it, since the shares of the peak are assumed


def test_a_t4_is_refused_as_its_run_would_not_end_in_a_session():
    with pytest.raises(BadConfig, match=r"no preset t4: .* no bfloat16, .* about 15 hours"):
        load_preset("t4")
    slow = (
        load_preset("v6e-1")
        .with_knobs("model", chip="t4", dtype="float32")
        .with_knobs("grpo", micro_batch=2, steps=100)
    )
    needs = [
        report.StepNeeds(step, estimated(step, slow, CHIPS["t4"].memory))
        for step in steps.steps_of(slow)
    ]
    times = {row["stage"]: row for row in report.stage_times(slow, needs, CHIPS["t4"], None)}
    assert times["grpo"]["likely_seconds"] / 3600 == pytest.approx(15, abs=0.5)


def test_the_logits_in_memory_follow_from_the_chip():
    for name, size in LOGITS_BYTES_OF.items():
        power = math.floor(math.log2(CHIPS[name].memory / 50))
        assert size == min(2**power, 2**30), name
    assert set(LOGITS_BYTES_OF) == set(CHIPS)
