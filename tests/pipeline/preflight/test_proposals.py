"""The nearest setting with which a step fits."""

from pipeline.config import Preset
from pipeline.preflight import report, steps
from pipeline.preflight.chips import CHIPS
from pipeline.preflight.estimate import estimated
from pipeline.preflight.proposals import proposals
from tests.support.compiled_preset import as_compiled

V6E = as_compiled()


def named(preset: Preset) -> dict[str, steps.Step]:
    return {step.name: step for step in steps.steps_of(preset)}


def test_a_step_that_does_not_fit_gets_the_nearest_setting_that_does():
    chip = CHIPS["v5e"]
    preset = V6E.with_knobs("grpo", prompts=16, micro_batch=16)
    needs = list(
        report.needs_of_steps(
            steps.steps_of(preset), preset, chip, use_compiler=False, progress=lambda *_: None
        )
    )
    too_large = [one.step.name for one in needs if not one.needs.fits]
    assert "grpo" in too_large
    proposed = {one.step: one for one in proposals(preset, needs, chip)}
    assert set(proposed) == set(too_large)
    assert proposed["grpo"].assignments[0].startswith("grpo.micro_batch=")
    [knob] = proposed["grpo"].assignments
    smaller = preset.with_knobs("grpo", micro_batch=int(knob.partition("=")[2]))
    assert estimated(named(smaller)["grpo"], smaller, chip.memory).fits
