"""Transitions: the outcome of each problem from stage to stage, and what was fixed or broken.

A problem has one outcome for all its samples: right if more than half of them are right, wrong if
at least half of them are wrong, otherwise unknown. In the steps unknown counts as not right, as in
every difference; the paths show it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store
from evals.comparison.train_problems import named_train_problems
from evals.graders import DEFAULT_GRADER
from evals.scores import (
    by_stage,
    common_problems,
    problems_by_run,
    require_scores,
    require_stage_scores,
)

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
OUTCOMES = (WRONG, RIGHT, UNKNOWN)
STEPS = {
    "fixed": (WRONG, RIGHT),
    "broken": (RIGHT, WRONG),
    "kept_right": (RIGHT, RIGHT),
    "kept_wrong": (WRONG, WRONG),
}


def problem_outcomes(scores: pl.DataFrame, metric: str = "answer") -> dict[str, str]:
    """Problem -> its outcome over all its samples, of OUTCOMES."""
    verdict = pl.col(metric).cast(pl.Boolean)
    rows = scores.group_by("problem_id", maintain_order=True).agg(
        pl.when(verdict.sum() * 2 > pl.len())
        .then(pl.lit(RIGHT))
        .when((~verdict).sum() * 2 >= pl.len())
        .then(pl.lit(WRONG))
        .otherwise(pl.lit(UNKNOWN))
        .alias("outcome")
    )
    return dict(rows.iter_rows())


def transitions(store: Store, names: Sequence[str], grader: str = DEFAULT_GRADER) -> dict[str, Any]:
    """The object of `thinkbench transitions`, over the problems that all stages answered.

    names: runs, or stages as RUN/STAGE; a single run stands for its stages: base, sft, grpo, others
    train_problems: the stages that answered train problems
    train_problem_counts: for each of these stages the number of train problems, and of all
    """
    stages = _stages(store, names, grader)
    common = common_problems(list(stages), list(stages.values()), problems_by_run(store, stages))
    value = transitions_of(stages, common, grader)
    return {**value, **named_train_problems(store, stages)}


def transitions_of(
    stages: dict[str, pl.DataFrame], common: tuple[set[str], set[str]], grader: str
) -> dict[str, Any]:
    """`transitions` of stages given as name -> scores by `grader`, in order.

    common: of `common_problems`

    stages: their names, in order
    n: problems in all stages       left_out: problems that only some stages answered
    different: ids in all stages that name several problems there, which are left out too
    paths: the outcome at each stage, with the problems of that path; most frequent path first
    steps: counts and problems from each stage to the next. Each problem is in one of STEPS; unknown
           counts those of them whose outcome is unknown in either of the two
    samples: largest number of samples of a problem
    """
    problems, different = sorted(common[0]), common[1]
    outcomes = {name: problem_outcomes(scores) for name, scores in stages.items()}
    answered = set().union(*outcomes.values())
    return {
        "stages": list(stages),
        "grader": grader,
        "n": len(problems),
        "left_out": len(answered) - len(problems) - len(different),
        "different": len(different),
        "samples": max(
            scores.group_by("problem_id").len()["len"].to_numpy().max().item()
            for scores in stages.values()
        ),
        "paths": _paths(problems, list(outcomes.values())),
        "steps": [
            {"from": a, "to": b, **_step(problems, outcomes[a], outcomes[b])}
            for a, b in pairwise(stages)
        ],
    }


def _stages(store: Store, names: Sequence[str], grader: str) -> dict[str, pl.DataFrame]:
    """Name -> scores of one stage each; at least two."""
    if len(names) == 1:
        run = names[0].partition("/")[0]
        of_run = by_stage(require_scores(store, names[0], grader))
        stages = {f"{run}/{stage}": scores for stage, scores in of_run.items()}
    else:
        stages = {name: require_stage_scores(store, name, grader) for name in names}
    if len(stages) < 2:
        raise UserError(
            f"{', '.join(names)} is one stage; expected two or more. Name another run, or a stage"
            " as RUN/STAGE, to see what changed."
        )
    return stages


def _paths(problems: list[str], outcomes: list[dict[str, str]]) -> list[dict[str, Any]]:
    paths: dict[tuple[str, ...], list[str]] = {}
    for problem in problems:
        paths.setdefault(tuple(of_stage[problem] for of_stage in outcomes), []).append(problem)
    order = sorted(paths, key=lambda path: (-len(paths[path]), [OUTCOMES.index(o) for o in path]))
    return [
        {"path": list(path), "count": len(paths[path]), "problems": paths[path]} for path in order
    ]


def _step(problems: list[str], a: dict[str, str], b: dict[str, str]) -> dict[str, Any]:
    """Counts and problems of each of STEPS, and of unknown."""
    members: dict[str, list[str]] = {name: [] for name in (*STEPS, UNKNOWN)}
    names = {outcomes: name for name, outcomes in STEPS.items()}
    for problem in problems:
        outcomes = a[problem], b[problem]
        before, after = (RIGHT if outcome == RIGHT else WRONG for outcome in outcomes)
        members[names[before, after]].append(problem)
        if UNKNOWN in outcomes:
            members[UNKNOWN].append(problem)
    return {**{name: len(ids) for name, ids in members.items()}, "problems": members}
