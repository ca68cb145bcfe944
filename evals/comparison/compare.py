"""Scores of runs as the numbers that people read: by stage, and compared on the same problems.

A run is named as RUN, or as RUN/STAGE where it holds several stages.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask
from evals.comparison.gain_causes import decomposition
from evals.comparison.metrics import METRICS, by_problem, compared, difference, interval
from evals.comparison.slices import slices
from evals.comparison.transitions import transitions_of
from evals.graders import grader as grader_of
from evals.scores import (
    UnknownRun,
    against_labels,
    by_stage,
    grade_missing,
    in_common,
    scored,
    scored_stage,
    scores_named,
    scores_of,
)
from evals.statistics import holm, of_samples


def stages(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """A row a run and stage: n problems, the metrics with intervals, unknown answers.

    Where each problem has k > 1 samples, also the fields of evals.statistics.pass_at_k.of_samples.
    """
    return [
        {
            "stage": scores["stage"][0],
            "run": run,
            "n": scores["problem_id"].n_unique(),
            **{metric: interval(scores, metric).to_json() for metric in METRICS},
            "unknown": int(scores["answer"].null_count()),
            **of_samples(scores),
        }
        for run in runs
        for scores in by_stage(scored(store, run, grader)).values()
    ]


def comparisons(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """Each pair of runs and stages, earlier to later, by metric, on the problems both answered."""
    parts = [(run, part) for run in runs for part in by_stage(scored(store, run, grader)).values()]
    return [
        {
            "from": a["stage"][0],
            "to": b["stage"][0],
            "metric": metric,
            **difference(a, b, metric).to_json(),
            "from_run": run_a,
            "to_run": run_b,
        }
        for (run_a, a), (run_b, b) in itertools.combinations(parts, 2)
        for metric in METRICS
    ]


def compare(
    store: Store, run_a: str, run_b: str, grader: str = "strict", by: Sequence[str] = ()
) -> dict[str, Any]:
    """The object of `thinkbench compare`. a and b of a metric are over the common problems.

    holm is p corrected over all that the object holds, metrics and slices alike.
    decomposition is of the verdicts by `strict`; None where `strict` or `lenient` is missing.
    """
    names = run_a, run_b
    return _compare(store, names, _scores(store, names, grader), grader, by)


def compare_and_follow(
    store: Store, run_a: str, run_b: str, grader: str = "strict", by: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`compare`, and evals.comparison.transitions of the same two; what both need is read once."""
    names = run_a, run_b
    parts = _scores(store, names, grader)
    moved = transitions_of(dict(zip(names, parts, strict=True)), grader)
    return _compare(store, names, parts, grader, by), moved


def _scores(store: Store, names: tuple[str, str], grader: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    a, b = (scored_stage(store, name, grader) for name in names)
    return a, b


def _compare(
    store: Store,
    names: tuple[str, str],
    parts: tuple[pl.DataFrame, pl.DataFrame],
    grader: str,
    by: Sequence[str],
) -> dict[str, Any]:
    a, b = parts
    both = in_common(names, (a, b))
    common_a, common_b = (_of(both, scores) for scores in (a, b))
    rates = [(by_problem(common_a, metric), by_problem(common_b, metric)) for metric in METRICS]
    metrics = dict(zip(METRICS, compared(rates), strict=True))
    sliced = slices(store, common_a, common_b, by)
    shown = [*metrics.values(), *sliced]
    for row, corrected in zip(shown, holm([row["p"] for row in shown]), strict=True):
        row["holm"] = corrected
    return {
        "a": names[0],
        "b": names[1],
        "grader": grader,
        "n": len(both),
        "only_a": a["problem_id"].n_unique() - len(both),
        "only_b": b["problem_id"].n_unique() - len(both),
        "metrics": metrics,
        "slices": sliced,
        "decomposition": _decomposition(store, names, both, {grader: (common_a, common_b)}),
    }


def grade_run(store: Store, run: str, grader: str) -> dict[str, Any]:
    """Grade the stored generations of `run` where that is not done; the object of `grade`.

    n counts generations. What carries labels is held against them.
    """
    rule = grader_of(grader)
    grade_missing(store, run, grader)
    scores = scores_of(store, run, grader)
    if scores.is_empty():
        known = ask(store, "select distinct run from generations order by run")["run"].to_list()
        raise UnknownRun(
            f"the store holds no generations of run {run!r}; expected one of "
            f"{', '.join(known) or '(no run has any)'}. Name one of them, or import generations."
        )
    return {
        "run": run,
        "grader": rule.name,
        "version": rule.version,
        "n": scores.height,
        **{metric: interval(scores, metric).to_json() for metric in METRICS},
        "unknown": int(scores["answer"].null_count()),
        "stages": stages(store, [run], grader),
        **against_labels(store, run, grader),
    }


def grade_runs(store: Store, grader: str) -> dict[str, Any]:
    """`grade_run` of every run that has generations: grader, version, runs."""
    rule = grader_of(grader)
    known = ask(store, "select distinct run from generations order by run")["run"].to_list()
    if not known:
        raise UnknownRun("the store holds no generations. Evaluate a model, or import some.")
    runs = [grade_run(store, run, grader) for run in known]
    return {"grader": rule.name, "version": rule.version, "runs": runs}


def _decomposition(
    store: Store,
    names: tuple[str, str],
    problems: set[str],
    read: dict[str, tuple[pl.DataFrame, pl.DataFrame]],
) -> dict[str, Any] | None:
    """read: grader -> the scores of both runs on these problems, where they were read already"""
    parts = [
        part
        for rule in ("strict", "lenient")
        for part in read.get(rule)
        or (_of(problems, scores_named(store, run, rule)) for run in names)
    ]
    return None if any(part.is_empty() for part in parts) else decomposition(*parts)


def _of(problems: set[str], scores: pl.DataFrame) -> pl.DataFrame:
    return scores.filter(pl.col("problem_id").is_in(sorted(problems)))
