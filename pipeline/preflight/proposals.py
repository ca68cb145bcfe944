"""For a step that does not fit: the nearest setting with which it does, by arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.config import Preset
from pipeline.preflight.chips import Chip
from pipeline.preflight.estimate import estimated
from pipeline.preflight.report import StepNeeds
from pipeline.preflight.step_notation import step_text
from pipeline.preflight.steps import Step, steps_of

MIN_TOKENS = 512  # a proposal does not go below this length


@dataclass(frozen=True)
class Proposal:
    """A setting with which a step fits. Nothing fits: assignments empty, peak and instead None.

    assignments: knobs of the preset, as SECTION.KNOB=VALUE
    instead:     a smaller step, for a step that was asked for by its numbers
    peak:        bytes that it needs then
    """

    step: str
    assignments: tuple[str, ...]
    peak: int | None
    instead: str | None = None


def proposals(preset: Preset, steps: Sequence[StepNeeds], chip: Chip) -> list[Proposal]:
    """A proposal for each step that does not fit; Tunix's losses get none, as nothing uses them."""
    too_large = [one for one in steps if not one.needs.fits and one.step.loss == "ours"]
    return [_proposal(preset, one, chip) for one in too_large]


def _proposal(preset: Preset, one: StepNeeds, chip: Chip) -> Proposal:
    # scale the estimates by the compiler's figure for this step, where there is one
    scale = one.needs.peak / max(estimated(one.step, preset, chip.memory).peak, 1)
    for proposal, step, changed in _candidates(preset, one.step):
        estimate = estimated(step, changed, chip.memory)
        if max(scale, 1.0) * estimate.peak <= chip.memory:
            return replace(proposal, peak=int(scale * estimate.peak))
    return Proposal(one.step.name, (), None)


def _candidates(preset: Preset, step: Step) -> Iterator[tuple[Proposal, Step, Preset]]:
    """Proposals with their step and preset, the nearest first."""
    if step.name not in {one.name for one in steps_of(preset)}:  # asked for by its numbers
        for smaller in smaller_steps(step):
            yield Proposal(step.name, (), None, step_text(smaller)), smaller, preset
        return
    for assignments, changed in smaller_presets(preset, step):
        [smaller] = [one for one in steps_of(changed) if one.name == step.name]
        yield Proposal(step.name, assignments, None), smaller, changed


def smaller_steps(step: Step) -> Iterator[Step]:
    """Steps that need less: first fewer rows, then shorter ones."""
    while step.rows > 1:
        step = replace(step, rows=step.rows // 2)
        yield step
    while step.completion > MIN_TOKENS:
        step = replace(step, completion=max(MIN_TOKENS, step.completion // 2))
        yield step


def smaller_presets(preset: Preset, step: Step) -> Iterator[tuple[tuple[str, ...], Preset]]:
    """Presets with which `step` needs less, the nearest first: fewer rows, then fewer tokens."""
    section, knob, tokens_knob = {
        "sft": ("sft", "batch", "max_tokens"),
        "dpo": ("dpo", "batch", "max_tokens"),
        "grpo": ("grpo", "micro_batch", "max_tokens"),
        "reference": ("grpo", "micro_batch", "max_tokens"),
        "old policy": ("grpo", "micro_batch", "max_tokens"),
        "rollout prefill": ("grpo", "prompts", "max_prompt_tokens"),
        "rollout insert": ("grpo", "prompts", "max_tokens"),
        "rollout decode": ("grpo", "prompts", "max_tokens"),
    }.get(step.name, ("eval", "batch", "max_tokens"))
    changed, values = preset, {}
    rows = getattr(getattr(preset, section), knob) or preset.grpo.prompts
    while rows > 1:
        rows = _fewer(rows, preset.grpo.prompts if knob == "micro_batch" else None)
        values[f"{section}.{knob}"] = rows
        if knob == "prompts":  # micro_batch must divide it
            changed = changed.with_knobs("grpo", micro_batch=1)
            values["grpo.micro_batch"] = 1
        changed = changed.with_knobs(section, **{knob: rows})
        yield tuple(f"{name}={value}" for name, value in values.items()), changed
    length = getattr(getattr(preset, section), tokens_knob)
    while length > MIN_TOKENS:
        length = max(MIN_TOKENS, length // 2)
        values[f"{section}.{tokens_knob}"] = length
        changed = changed.with_knobs(section, **{tokens_knob: length})
        yield tuple(f"{name}={value}" for name, value in values.items()), changed


def _fewer(rows: int, divides: int | None) -> int:
    """Half of `rows`, or the next smaller divisor of `divides`."""
    if divides is None:
        return rows // 2
    return max(n for n in range(1, rows) if divides % n == 0)
