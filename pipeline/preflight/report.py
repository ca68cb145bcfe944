"""Whether a run fits its chip and how long it takes, said before anything of it starts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.progress import Progress
from pipeline.config import Preset
from pipeline.preflight.chips import Chip
from pipeline.preflight.compiled import compiled
from pipeline.preflight.estimate import estimated
from pipeline.preflight.needs import Needs, likely_seconds, seconds
from pipeline.preflight.steps import Stage, Step, stages_of


@dataclass(frozen=True)
class Said:
    """What is said of a step."""

    step: Step
    needs: Needs


def needs_of(step: Step, preset: Preset, chip: Chip, *, compile: bool) -> Needs:
    """By the compiler, or by arithmetic."""
    guess = estimated(step, preset, chip.memory)
    if not compile:
        return guess
    found = compiled(step, preset, chip)
    # a program without adapters names them too, with none of their bytes
    beside = {name: guess.parts[name] for name in step.beside if not found.parts.get(name)}
    peak = found.peak + sum(beside.values())
    return Needs(
        how="compiled",
        parts=found.parts | beside,
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
    """stage, seconds, likely_seconds: of a whole run with completions as long as they may be.

    seconds with the chip at its peak, likely_seconds as runs are taken to use it; None: not known
    """
    needs = {one.step.name: one.needs for one in said}

    def total(stage: Stage, time_of: Callable[[Needs, Chip], float | None]) -> float | None:
        times = [(n, time_of(needs[name], chip)) for name, n in stage.calls.items() if n]
        known = [n * time for n, time in times if time is not None]
        return sum(known) if len(known) == len(times) else None

    return [
        {
            "stage": stage.name,
            "seconds": total(stage, seconds),
            "likely_seconds": total(stage, likely_seconds),
        }
        for stage in stages_of(preset, problems)
    ]
