"""How problems fared from stage to stage: every path, and who was fixed or broken at each step."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store
from evals.comparison.states import RIGHT, STATES, UNKNOWN, WRONG, states
from evals.scores import by_stage, in_common, scored, scored_stage

STEPS = {
    "fixed": (WRONG, RIGHT),
    "broken": (RIGHT, WRONG),
    "kept_right": (RIGHT, RIGHT),
    "kept_wrong": (WRONG, WRONG),
}


def transitions(store: Store, names: Sequence[str], grader: str = "strict") -> dict[str, Any]:
    """The object of `thinkbench transitions`, over the problems that all stages answered.

    names: of runs, or stages as RUN/STAGE; or one run, for its base, sft, grpo, then others
    """
    return transitions_of(_parts(store, names, grader), grader)


def transitions_of(parts: dict[str, pl.DataFrame], grader: str) -> dict[str, Any]:
    """`transitions` of these: name of a stage -> its scores by `grader`, in their order.

    stages: their names, in order
    n: problems in all stages       left_out: problems that only some of them answered
    paths: state at each stage, how many problems went this way and which, commonest first
    steps: from each stage to the next, counts and problems; unknown: in either of the two
    samples: most samples of a problem; of several, a problem is right if most of them are
    """
    common = in_common(list(parts), list(parts.values()))
    found = {name: states(scores) for name, scores in parts.items()}
    answered = set().union(*found.values())
    problems = sorted(common)
    return {
        "stages": list(parts),
        "grader": grader,
        "n": len(problems),
        "left_out": len(answered) - len(problems),
        "samples": max(
            int(scores.group_by("problem_id").len()["len"].max())  # type: ignore[arg-type]
            for scores in parts.values()
        ),
        "paths": _paths(problems, list(found.values())),
        "steps": [
            {"from": a, "to": b, **_step(problems, found[a], found[b])} for a, b in pairwise(parts)
        ],
    }


def _parts(store: Store, names: Sequence[str], grader: str) -> dict[str, pl.DataFrame]:
    """Name -> scores of one stage each, at least two."""
    if len(names) == 1:
        parts = {
            f"{names[0].partition('/')[0]}/{stage}": scores
            for stage, scores in by_stage(scored(store, names[0], grader)).items()
        }
    else:
        parts = {name: scored_stage(store, name, grader) for name in names}
    if len(parts) < 2:
        raise UserError(
            f"{', '.join(names)} is one stage; expected two or more. Name another run, or a stage"
            " as RUN/STAGE, to see what changed."
        )
    return parts


def _paths(problems: list[str], found: list[dict[str, str]]) -> list[dict[str, Any]]:
    ways: dict[tuple[str, ...], list[str]] = {}
    for problem in problems:
        ways.setdefault(tuple(states[problem] for states in found), []).append(problem)
    order = sorted(ways, key=lambda way: (-len(ways[way]), [STATES.index(one) for one in way]))
    return [{"path": list(way), "count": len(ways[way]), "problems": ways[way]} for way in order]


def _step(problems: list[str], a: dict[str, str], b: dict[str, str]) -> dict[str, Any]:
    found: dict[str, list[str]] = {name: [] for name in (*STEPS, "unknown")}
    names = {states: name for name, states in STEPS.items()}
    for problem in problems:
        found[names.get((a[problem], b[problem]), UNKNOWN)].append(problem)
    return {**{name: len(ids) for name, ids in found.items()}, "problems": found}
