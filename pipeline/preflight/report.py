"""Whether a run fits its chip and how long it takes, before any of it starts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.progress import Progress
from pipeline.config import Preset
from pipeline.preflight.chips import Chip
from pipeline.preflight.compiled import compile_step
from pipeline.preflight.estimate import estimated
from pipeline.preflight.needs import Needs, likely_seconds, seconds
from pipeline.preflight.steps import Stage, Step, stages_of


@dataclass(frozen=True)
class StepNeeds:
    """A step and what it needs."""

    step: Step
    needs: Needs


def needs_of(step: Step, preset: Preset, chip: Chip, *, use_compiler: bool) -> Needs:
    """What `step` needs, by the chip's compiler or by arithmetic."""
    estimate = estimated(step, preset, chip.memory)
    if not use_compiler:
        return estimate
    program = compile_step(step, preset, chip)
    # a program without adapters lists them too, with 0 bytes
    beside = {name: estimate.parts[name] for name in step.beside if not program.parts.get(name)}
    peak = program.peak + sum(beside.values())
    return Needs(
        how="compiled",
        parts=program.parts | beside,
        temporaries=program.temporaries,
        peak=peak,
        fits=program.temporaries is not None and peak <= chip.memory,
        # by arithmetic, because the compiler counts the body of a loop only once
        flops=estimate.flops,
        moved=estimate.moved,
    )


def needs_of_steps(
    steps: Sequence[Step], preset: Preset, chip: Chip, *, use_compiler: bool, progress: Progress
) -> Iterator[StepNeeds]:
    """Each step with its needs; steps with the same program are compiled once."""
    by_program: dict[str, Needs] = {}
    for done, step in enumerate(steps, start=1):
        key = str((step.program(), step.beside))
        if key not in by_program:
            by_program[key] = needs_of(step, preset, chip, use_compiler=use_compiler)
        progress(done, len(steps), {})
        yield StepNeeds(step, by_program[key])


def stage_times(
    preset: Preset, steps: Sequence[StepNeeds], chip: Chip, problems: int | None
) -> list[dict[str, Any]]:
    """stage, seconds, likely_seconds: of a whole run, with completions as long as they may be.

    seconds: with the chip at its peak      likely_seconds: at the assumed share of the peak
    Either is None where the chip's speed is unknown.
    """
    needs = {one.step.name: one.needs for one in steps}

    def total(stage: Stage, time_of: Callable[[Needs, Chip], float | None]) -> float | None:
        times = [(n, time_of(needs[name], chip)) for name, n in stage.calls.items() if n]
        products = [n * time for n, time in times if time is not None]
        return sum(products) if len(products) == len(times) else None

    return [
        {
            "stage": stage.name,
            "seconds": total(stage, seconds),
            "likely_seconds": total(stage, likely_seconds),
        }
        for stage in stages_of(preset, problems)
    ]
