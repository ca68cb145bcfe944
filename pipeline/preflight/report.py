"""Whether a run fits its chip and how long it takes at least, before anything of it starts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config import Preset
from pipeline.preflight.chips import Chip
from pipeline.preflight.compiled import compiled
from pipeline.preflight.estimate import estimated
from pipeline.preflight.needs import Needs, seconds
from pipeline.preflight.steps import Step, stages_of, steps_of

SHORTEST = 512  # tokens of an example that a proposal does not go below
Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Said:
    """What is said of a step."""

    step: Step
    needs: Needs


@dataclass(frozen=True)
class Proposal:
    """The nearest setting with which a step fits that does not; empty where none was found."""

    step: str
    assignments: tuple[str, ...]
    peak: int | None


def needs_of(step: Step, preset: Preset, chip: Chip, *, compile: bool) -> Needs:
    """By the compiler, or by arithmetic."""
    guess = estimated(step, preset, chip.memory)
    if not compile:
        return guess
    found = compiled(step, preset, chip)
    beside = sum(guess.parts[name] for name in step.beside if name not in found.parts)
    peak = found.peak + beside
    return Needs(
        how="compiled",
        parts=found.parts | ({"beside": beside} if beside else {}),
        temporaries=found.temporaries,
        peak=peak,
        fits=found.temporaries is not None and peak <= chip.memory,
        flops=guess.flops,  # counted: the compiler's count has the body of a loop once
        moved=guess.moved,
    )


def said_of(
    steps: Sequence[Step], preset: Preset, chip: Chip, *, compile: bool, progress: Progress
) -> Iterator[Said]:
    """Each step with its needs; steps of one program are asked for once."""
    known: dict[str, Needs] = {}
    for done, step in enumerate(steps, start=1):
        key = str((step.program(), step.beside))
        if key not in known:
            known[key] = needs_of(step, preset, chip, compile=compile)
        progress(done, len(steps), {})
        yield Said(step, known[key])


def stages(
    preset: Preset, said: Sequence[Said], chip: Chip, problems: int | None
) -> list[dict[str, Any]]:
    """stage, seconds: of a whole run at least, every completion taken for as long as it may be."""
    times = {one.step.name: seconds(one.needs, chip) for one in said}
    found = []
    for stage in stages_of(preset, problems):
        parts = [(n, times[name]) for name, n in stage.calls.items() if n]
        known = [n * time for n, time in parts if time is not None]
        total = sum(known) if len(known) == len(parts) else None
        found.append({"stage": stage.name, "seconds": total})
    return found


def proposals(preset: Preset, said: Sequence[Said], chip: Chip) -> list[Proposal]:
    """For each step of the preset that does not fit, the nearest setting that does.

    By arithmetic, which is scaled to what the compiler said of the step where it was asked.
    """
    found = []
    for one in said:
        if one.needs.fits:
            continue
        scale = one.needs.peak / max(estimated(one.step, preset, chip.memory).peak, 1)
        for assignments, changed in smaller(preset, one.step):
            steps = {step.name: step for step in steps_of(changed)}
            guess = estimated(steps[one.step.name], changed, chip.memory)
            if max(scale, 1.0) * guess.peak <= chip.memory:
                found.append(Proposal(one.step.name, assignments, int(scale * guess.peak)))
                break
        else:
            found.append(Proposal(one.step.name, (), None))
    return found


def smaller(preset: Preset, step: Step) -> Iterator[tuple[tuple[str, ...], Preset]]:
    """Settings with which `step` needs less, the nearest first: fewer rows, then fewer tokens."""
    section, knob, tokens = {
        "sft": ("sft", "batch", "max_tokens"),
        "grpo": ("grpo", "micro_batch", "max_tokens"),
        "reference": ("grpo", "micro_batch", "max_tokens"),
        "rollout prefill": ("grpo", "prompts", "max_prompt_tokens"),
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
