"""Scores of runs as the numbers that people read: by stage, and compared on the same problems.

A run is named as RUN, or as RUN/STAGE where it holds several stages.
"""

import itertools
from typing import Any

import numpy as np
import polars as pl

from data.store import Store, ask
from evals.graders import grader as grader_of
from evals.grading import UnknownRun, grade_missing
from evals.labels import against_labels
from evals.statistics import Interval, mean_of_clusters, paired, paired_rates, pass_at_k, wilson

METRICS = ("format", "answer", "partial")


class SeveralStages(ValueError):
    """A run whose stages would be mixed up if it were compared as one."""


class NothingInCommon(ValueError):
    """Two runs that are to be compared answered different problems."""


def scores_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """stage, problem_id, sample, format, answer, partial: verdicts of the grader's version.

    Sorted by the first three. One row a generation, even if two processes graded it at once.
    Where a person has overridden the grader, their verdict is the answer.
    """
    rule = grader_of(grader)
    return ask(
        store,
        """
        select
            stage, problem_id, sample, format,
            case verdict
                when 'right' then true when 'wrong' then false when 'unknown' then null
                else correct
            end as answer,
            case verdict when 'right' then true when 'unknown' then null else partial end as partial
        from scores left join overrides using (generation_id, grader)
        where run = $run and grader = $grader and grader_version = $version
        qualify row_number() over (partition by generation_id) = 1
        order by stage, problem_id, sample
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )


def interval(scores: pl.DataFrame, metric: str) -> Interval:
    """The metric over `scores` with its interval; n counts the problems of each stage.

    Unknown verdicts are left out. Several samples of a problem are a cluster.
    """
    known = scores.filter(pl.col(metric).is_not_null())
    by_problem = known.group_by("stage", "problem_id").agg(pl.col(metric).mean(), pl.len())
    if by_problem.is_empty() or by_problem["len"].max() == 1:
        return wilson(int(known[metric].sum()), known.height)
    return mean_of_clusters(by_problem[metric].to_numpy())


def stages(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """A row a run and stage: n problems, the metrics with intervals, unknown answers.

    Where each problem has k > 1 samples, pass_at_k is the share that one of k gets right.
    """
    return [
        {
            "stage": scores["stage"][0],
            "run": run,
            "n": scores["problem_id"].n_unique(),
            **{metric: interval(scores, metric).to_json() for metric in METRICS},
            "unknown": int(scores["answer"].null_count()),
            **_of_samples(scores),
        }
        for run in runs
        for scores in _by_stage(_scored(store, run, grader))
    ]


def _of_samples(scores: pl.DataFrame) -> dict[str, Any]:
    rows = list(_verdicts(scores, "answer").values())
    samples = {len(row) for row in rows}
    if samples == {1} or len(samples) > 1:
        return {}
    correct = np.array(rows)
    decided = correct[~np.isnan(correct).any(axis=1)] == 1
    k = correct.shape[1]
    passed = mean_of_clusters(pass_at_k(decided, k)).to_json()
    return {"samples": k, "pass_at_k": passed}


def comparisons(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """Each pair of runs and stages, earlier to later, by metric, on the problems both answered."""
    parts = [(run, part) for run in runs for part in _by_stage(_scored(store, run, grader))]
    return [
        {
            "from": a["stage"][0],
            "to": b["stage"][0],
            "metric": metric,
            **difference(a, b, metric),
            "from_run": run_a,
            "to_run": run_b,
        }
        for (run_a, a), (run_b, b) in itertools.combinations(parts, 2)
        for metric in METRICS
    ]


def compare(store: Store, run_a: str, run_b: str, grader: str = "strict") -> dict[str, Any]:
    """The object of `thinkbench compare`. a and b of a metric are over the common problems."""
    a, b = (_one_stage(_scored(store, run, grader), run) for run in (run_a, run_b))
    both = a.select("problem_id").unique().join(b.select("problem_id").unique(), on="problem_id")
    if both.is_empty():
        raise NothingInCommon(
            f"{run_a} and {run_b} answered no problem in common; {run_a} answered"
            f" {a['problem_id'].n_unique()}, {run_b} {b['problem_id'].n_unique()}."
            " Name two runs over the same problems."
        )
    common_a, common_b = (x.join(both, on="problem_id", how="semi") for x in (a, b))
    return {
        "a": run_a,
        "b": run_b,
        "grader": grader,
        "n": both.height,
        "only_a": a["problem_id"].n_unique() - both.height,
        "only_b": b["problem_id"].n_unique() - both.height,
        "metrics": {
            metric: {
                "a": interval(common_a, metric).to_json(),
                "b": interval(common_b, metric).to_json(),
                **difference(a, b, metric),
            }
            for metric in METRICS
        },
    }


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> dict[str, Any]:
    """difference, low, high, p, n, fixed, broken, unknown: b minus a where both have verdicts."""
    left, right = _verdicts(a, metric), _verdicts(b, metric)
    both = sorted(left.keys() & right.keys())
    rows_a, rows_b = [left[problem] for problem in both], [right[problem] for problem in both]
    if all(len(row) == 1 for row in rows_a + rows_b):
        found = paired(np.array(rows_a).reshape(-1), np.array(rows_b).reshape(-1))
    else:  # of a problem with several samples the share that is right counts
        found = paired_rates(*(np.array([np.mean(r) for r in rows]) for rows in (rows_a, rows_b)))
    return found.to_json()


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


def _verdicts(scores: pl.DataFrame, metric: str) -> dict[str, list[float]]:
    """Problem -> the verdicts of its samples: 1, 0 or nan."""
    values = scores.select("problem_id", pl.col(metric).cast(pl.Float64).fill_null(np.nan))
    return dict(values.group_by("problem_id").agg(metric).iter_rows())


def _by_stage(scores: pl.DataFrame) -> list[pl.DataFrame]:
    return scores.partition_by("stage", maintain_order=True)


def _one_stage(scores: pl.DataFrame, run: str) -> pl.DataFrame:
    held = scores["stage"].unique(maintain_order=True).to_list()
    if len(held) > 1:
        raise SeveralStages(
            f"run {run!r} holds {len(held)} stages; expected one. "
            f"Name it as one of {', '.join(f'{run}/{stage}' for stage in held)}."
        )
    return scores


def _scored(store: Store, name: str, grader: str) -> pl.DataFrame:
    run, _, stage = name.partition("/")
    scores = scores_of(store, run, grader)
    if stage:
        scores = scores.filter(stage=stage)
    if scores.is_empty():
        known = ask(store, "select distinct run from scores order by run")["run"].to_list()
        raise UnknownRun(
            f"the store holds no scores of run {name!r} by {grader!r}; runs with scores: "
            f"{', '.join(known) or 'none'}. Grade it first: "
            f"thinkbench grade --run {run} --grader {grader}"
        )
    return scores
