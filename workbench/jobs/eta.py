"""How long a whole job takes still, by stages: as measured, else it is said to be unknown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.store import Store, ask
from pipeline.config import BadConfig, Preset, as_json
from workbench.cli import changed_preset
from workbench.formatting import duration
from workbench.jobs import progress_file

# kind of the run, stage, and what its progress is told as
STAGES = (
    ("eval", "base", "evaluate base"),
    ("sft", "sft", "sft"),
    ("eval", "sft", "evaluate sft"),
    ("grpo", "grpo", "grpo"),
    ("eval", "grpo", "evaluate grpo"),
    ("export", "export", "export"),
)
NEWEST = 200  # runs that are looked at for how long a stage takes


@dataclass(frozen=True)
class Stage:
    """One stage of a job.

    state:  done, running or waits
    took:   seconds, of one that is done
    left:   seconds; None: unknown
    by:     what `left` is known by
    """

    name: str
    state: str
    took: float | None
    left: float | None
    by: str


@dataclass(frozen=True)
class Took:
    """A run that is done, and what it took [s]."""

    run: str
    kind: str
    stage: str
    config: dict[str, Any]
    seconds: float


def durations(store: Store) -> list[Took]:
    """Of the stages that are done, the newest first."""
    rows = ask(
        store,
        """
        select run, kind, stage, config, (summary->>'$.seconds')::double as seconds
        from runs
        where event = 'done' and kind in ('eval', 'sft', 'grpo', 'export')
            and summary->>'$.seconds' is not null
        order by ended_at desc, run limit $n
        """,
        n=NEWEST,
    )
    return [
        Took(**row | {"config": json.loads(row["config"])}) for row in rows.iter_rows(named=True)
    ]


def preset_of(words: Sequence[str]) -> Preset | None:
    """The preset of the words of a `run`; None where it cannot be known from them alone."""
    from workbench.cli.commands import run  # all verbs: only where a whole job is looked at

    asked = run.make_context("run", list(words[1:]), resilient_parsing=True).params
    try:
        return changed_preset(asked["preset"], {}, asked["assignments"], asked["seed"])
    except BadConfig:
        return None


def stages(
    preset: Preset | None, known: dict[str, Any], ran: Sequence[Took], lives: bool
) -> list[Stage]:
    """Every stage of a whole job, in order.

    known: what it told (workbench/jobs/progress_file.py)   ran: of `durations`
    """
    begun = {(run.partition("-")[0], stage): run for stage, run in known["runs"]}
    by_run = {one.run: one for one in ran}
    found = []
    for kind, stage, work in STAGES:
        run = begun.get((kind, stage))
        took = by_run.get(run or "")
        if took is not None:
            found.append(Stage(work, "done", took.seconds, 0.0, ""))
            continue
        usual = _usual(preset, kind, stage, ran)
        left, by = (usual.seconds, f"as {usual.run} took") if usual else (None, "")
        done = known["work"].get(work)
        if run is not None and done is not None:
            if done["step"] >= done["of"]:
                left, by = 0.0, "it comes to its end"
            elif (pace := progress_file.seconds_left(done)) is not None:
                left, by = pace, "by its pace so far"
        state = "running" if run is not None and lives else "waits" if lives else "not done"
        found.append(Stage(work, state, None, left, by))
    return found


def _usual(preset: Preset | None, kind: str, stage: str, ran: Sequence[Took]) -> Took | None:
    """The newest run with the same knobs: of the stage, else of its kind, whatever the model."""
    if preset is None:
        return None
    alike = [one for one in ran if one.kind == kind and _same(preset, kind, one.config)]
    return next((one for one in alike if one.stage == stage), next(iter(alike), None))


def _same(preset: Preset, kind: str, config: dict[str, Any]) -> bool:
    """Whether a run had the knobs that the preset has, but for those that take no time."""
    if kind == "export":
        return True
    asked = as_json(getattr(preset, kind)) | as_json(preset.model)
    asked = {
        name: value for name, value in asked.items() if name not in ("seed", "grader", "model")
    }
    return all(config.get(name) == value for name, value in json.loads(json.dumps(asked)).items())


def sentence(found: Sequence[Stage]) -> str:
    """How long all of it takes still, as far as that is known."""
    waits = [one for one in found if one.state in ("running", "waits")]
    unknown = [one.name for one in waits if one.left is None]
    left = sum(one.left or 0.0 for one in waits)
    if not waits:
        return "All stages are done."
    if len(unknown) == len(waits):
        return "The whole job: unknown how long still, nothing measured supports an estimate yet."
    if unknown:
        return (
            f"The whole job: at least {duration(left)} left. Unknown: {', '.join(unknown)}; no run"
            " with these knobs is there to go by."
        )
    return f"The whole job: about {duration(left)} left."


def rows(found: Sequence[Stage], lives: bool) -> list[dict[str, str]]:
    """A row of a table for each stage; while the job lives, with what is left of it."""
    return [
        {
            "stage": one.name,
            "state": one.state,
            "took": "" if one.took is None else duration(one.took),
            **({"left": _left(one), "by": one.by} if lives else {}),
        }
        for one in found
    ]


def _left(one: Stage) -> str:
    if one.state == "done":
        return ""
    return "unknown" if one.left is None else f"about {duration(one.left)}"
