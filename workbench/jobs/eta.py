"""The time left of a full pipeline run, stage by stage, from what was measured; else unknown."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.store import EVALUATIONS, TRAINING, Store, ask, name_of_kind
from pipeline.config import OUTSIDE, BadConfig, Preset, as_json
from workbench.formatting import duration
from workbench.jobs.progress_file import seconds_left
from workbench.lookup import changed_preset

# kind of the run, its stage, and the name of its work in the progress file
STAGES = (
    ("eval", "base", "evaluate base"),
    ("sft", "sft", "sft"),
    ("eval", "sft", "evaluate sft"),
    ("grpo", "grpo", "grpo"),
    ("eval", "grpo", "evaluate grpo"),
    ("export", "export", "export"),
)
# after ("eval", "sft", "evaluate sft"), where the preset has this stage
OF_DPO = (
    ("eval", "sft-train", "evaluate sft-train"),
    ("dpo", "dpo", "dpo"),
    ("eval", "dpo", "evaluate dpo"),
)
NEWEST = 200  # runs whose durations are read


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline run.

    state:   done, running, waits or not done
    took:    [seconds] of a stage that is done
    left:    [seconds]; None: unknown
    source:  what the estimate `left` is based on
    """

    name: str
    state: str
    took: float | None
    left: float | None
    source: str


@dataclass(frozen=True)
class Duration:
    """A finished run and its duration."""

    run: str
    kind: str
    stage: str
    config: dict[str, Any]
    seconds: float


def durations(store: Store) -> list[Duration]:
    """Of finished stages, the newest first."""
    rows = ask(
        store,
        """
        select run, kind, stage, config, (summary->>'$.seconds')::double as seconds
        from runs
        where event = 'done' and list_contains($kinds, kind)
            and summary->>'$.seconds' is not null
        order by ended_at desc, run limit $n
        """,
        kinds=(*EVALUATIONS, *TRAINING, "export"),
        n=NEWEST,
    )
    return [
        Duration(**row | {"config": json.loads(row["config"])})
        for row in rows.iter_rows(named=True)
    ]


def preset_of(words: Sequence[str]) -> Preset | None:
    """The preset of the words of a `run`; None where it cannot be read."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    options.add_argument("--preset", default="tiny")
    options.add_argument("--set", dest="assignments", action="append", default=[])
    options.add_argument("--seed", type=int)
    try:
        chosen, _ = options.parse_known_args(list(words[1:]))
        return changed_preset(chosen.preset, {}, tuple(chosen.assignments), chosen.seed)
    except (BadConfig, argparse.ArgumentError):
        return None


def stages(
    preset: Preset | None, progress: dict[str, Any], past: Sequence[Duration], lives: bool
) -> list[Stage]:
    """Every stage of a pipeline run, in order.

    progress: the content of its progress file   past: from `durations`   lives: whether it runs
    """
    runs = {(run.partition("-")[0], stage): run for stage, run in progress["runs"]}
    return [
        _stage(preset, kind, stage, progress["work"].get(work), past, lives,
               work, runs.get((kind, stage)))
        for kind, stage, work in _stages_of(preset)
    ]  # fmt: skip


def _stages_of(preset: Preset | None) -> tuple[tuple[str, str, str], ...]:
    with_dpo = preset is not None and preset.dpo.in_run
    return (*STAGES[:3], *OF_DPO, *STAGES[3:]) if with_dpo else STAGES


def _stage(
    preset: Preset | None,
    kind: str,
    stage: str,
    work: dict[str, Any] | None,
    past: Sequence[Duration],
    lives: bool,
    name: str,
    run: str | None,
) -> Stage:
    finished = next((one for one in past if one.run == run), None)
    if finished is not None:
        return Stage(name, "done", finished.seconds, 0.0, "")
    alike = _newest_alike(preset, kind, stage, past)
    left, source = (alike.seconds, f"duration of {alike.run}") if alike else (None, "")
    if run is not None and work is not None:
        if work["step"] >= work["of"]:
            left, source = 0.0, "its last step is done"
        elif (pace := seconds_left(work)) is not None:
            left, source = pace, "its pace so far"
    state = "running" if run is not None and lives else "waits" if lives else "not done"
    return Stage(name, state, None, left, source)


def _newest_alike(
    preset: Preset | None, kind: str, stage: str, past: Sequence[Duration]
) -> Duration | None:
    """The newest run with the same knobs: of the stage, else of its kind, whatever the model.

    Where no held-out problems were answered yet, an evaluation of train problems counts.
    """
    if preset is None:
        return None
    if stage == OF_DPO[0][1]:
        preset = preset.sampling_pairs()
    alike = [
        one for one in past if name_of_kind(one.kind) == kind and _same(preset, kind, one.config)
    ]
    return min(alike, key=lambda one: (one.kind != kind, one.stage != stage), default=None)


def _same(preset: Preset, kind: str, config: dict[str, Any]) -> bool:
    """Whether a run had the knobs of the preset, ignoring those that do not affect its duration."""
    if kind == "export":
        return True
    knobs = as_json(getattr(preset, kind)) | as_json(preset.model)
    ignored = {"seed", "grader", "model", *OUTSIDE}
    if knobs.get("limit"):  # as many problems, whatever their split
        ignored.add("split")
    knobs = {name: value for name, value in knobs.items() if name not in ignored}
    return all(config.get(name) == value for name, value in json.loads(json.dumps(knobs)).items())


def sentence(pipeline: Sequence[Stage]) -> str:
    """The time left of all stages together, as far as it is known."""
    waiting = [one for one in pipeline if one.state in ("running", "waits")]
    unknown = [one.name for one in waiting if one.left is None]
    left = sum(one.left or 0.0 for one in waiting)
    if not waiting:
        return "All stages are done."
    if len(unknown) == len(waiting):
        return "Full pipeline: time left unknown, nothing is measured yet."
    if unknown:
        return (
            f"Full pipeline: at least {duration(left)} left. Unknown: {', '.join(unknown)}; the"
            " store has no run with these knobs."
        )
    return f"Full pipeline: about {duration(left)} left."


def rows(pipeline: Sequence[Stage], lives: bool) -> list[dict[str, str]]:
    """A table row for each stage; while the job runs, with its time left."""
    return [
        {
            "stage": one.name,
            "state": one.state,
            "duration": "" if one.took is None else duration(one.took),
            **({"left": _left(one), "estimated from": one.source} if lives else {}),
        }
        for one in pipeline
    ]


def _left(stage: Stage) -> str:
    if stage.state == "done":
        return ""
    return "unknown" if stage.left is None else f"about {duration(stage.left)}"
