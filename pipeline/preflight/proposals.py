"""The nearest setting with which a step fits that does not, by arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.config import Preset
from pipeline.preflight.chips import Chip
from pipeline.preflight.estimate import estimated
from pipeline.preflight.report import Said
from pipeline.preflight.steps import Step, steps_of, text_of

SHORTEST = 512  # tokens of an example that a proposal does not go below


@dataclass(frozen=True)
class Proposal:
    """assignments: knobs of the preset   instead: a step like the one that was asked for

    Both are empty, and peak None, where nothing was found.
    """

    step: str
    assignments: tuple[str, ...]
    peak: int | None
    instead: str | None = None


def proposals(preset: Preset, said: Sequence[Said], chip: Chip) -> list[Proposal]:
    """One for each step that does not fit, but for those with Tunix's losses, which none trains.

    By arithmetic, which is scaled to what the compiler said of the step where it was asked.
    """
    wrong = [one for one in said if not one.needs.fits and one.step.loss == "ours"]
    return [_proposal(preset, one, chip) for one in wrong]


def _proposal(preset: Preset, one: Said, chip: Chip) -> Proposal:
    scale = one.needs.peak / max(estimated(one.step, preset, chip.memory).peak, 1)
    for proposal, step, changed in _tries(preset, one.step):
        guess = estimated(step, changed, chip.memory)
        if max(scale, 1.0) * guess.peak <= chip.memory:
            return replace(proposal, peak=int(scale * guess.peak))
    return Proposal(one.step.name, (), None)


def _tries(preset: Preset, step: Step) -> Iterator[tuple[Proposal, Step, Preset]]:
    """What would be proposed, with its step and preset, the nearest first."""
    if step.name not in {known.name for known in steps_of(preset)}:  # asked for by its numbers
        for fewer in smaller_steps(step):
            yield Proposal(step.name, (), None, text_of(fewer)), fewer, preset
        return
    for assignments, changed in smaller(preset, step):
        [found] = [other for other in steps_of(changed) if other.name == step.name]
        yield Proposal(step.name, assignments, None), found, changed


def smaller_steps(step: Step) -> Iterator[Step]:
    """Steps that need less: fewer rows, then shorter ones."""
    while step.rows > 1:
        step = replace(step, rows=step.rows // 2)
        yield step
    while step.completion > SHORTEST:
        step = replace(step, completion=max(SHORTEST, step.completion // 2))
        yield step


def smaller(preset: Preset, step: Step) -> Iterator[tuple[tuple[str, ...], Preset]]:
    """Settings with which `step` needs less, the nearest first: fewer rows, then fewer tokens."""
    section, knob, tokens = {
        "sft": ("sft", "batch", "max_tokens"),
        "grpo": ("grpo", "micro_batch", "max_tokens"),
        "reference": ("grpo", "micro_batch", "max_tokens"),
        "rollout prefill": ("grpo", "prompts", "max_prompt_tokens"),
        "rollout insert": ("grpo", "prompts", "max_tokens"),
        "rollout decode": ("grpo", "prompts", "max_tokens"),
    }.get(step.name, ("eval", "batch", "max_tokens"))
    rows = getattr(getattr(preset, section), knob) or preset.grpo.prompts
    changed, said = preset, {}
    while rows > 1:
        rows = _fewer(rows, preset.grpo.prompts if knob == "micro_batch" else None)
        said[f"{section}.{knob}"] = rows
        if knob == "prompts":  # a step's pieces must divide it
            changed = changed.with_knobs("grpo", micro_batch=1)
            said["grpo.micro_batch"] = 1
        changed = changed.with_knobs(section, **{knob: rows})
        yield tuple(f"{name}={value}" for name, value in said.items()), changed
    length = getattr(getattr(preset, section), tokens)
    while length > SHORTEST:
        length = max(SHORTEST, length // 2)
        said[f"{section}.{tokens}"] = length
        changed = changed.with_knobs(section, **{tokens: length})
        yield tuple(f"{name}={value}" for name, value in said.items()), changed


def _fewer(rows: int, dividing: int | None) -> int:
    """Half of `rows`, or the next smaller number that divides `dividing`."""
    if dividing is None:
        return rows // 2
    return max(n for n in range(1, rows) if dividing % n == 0)
