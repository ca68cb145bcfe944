"""Metrics of stages: a share with its interval, and the paired difference of two stages."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from evals.statistics import (
    Difference,
    Interval,
    detectable_unpaired,
    mean_of_clusters,
    paired_difference,
    paired_rate_difference,
    wilson,
)

METRICS = ("format", "answer", "partial")


def interval(scores: pl.DataFrame, metric: str) -> Interval:
    """The metric over `scores` with its interval; n counts the problems of each stage.

    Unknown verdicts are left out. The samples of a problem are a cluster.
    """
    return interval_of_problems(by_problem(scores, metric))


def by_problem(scores: pl.DataFrame, metric: str) -> pl.DataFrame:
    """stage, problem_id, samples, known, right, rate: one row per problem and stage, sorted.

    known: samples with a verdict
    rate: share of the samples that are right; nan where any verdict is unknown
    """
    values = pl.col(metric).cast(pl.Float64)
    rows = scores.group_by("stage", "problem_id").agg(
        samples=pl.len(),
        known=values.count(),
        right=values.sum(),
        rate=values.fill_null(np.nan).mean(),
    )
    return rows.sort("stage", "problem_id")  # so that floats are summed in a fixed order


def interval_of_problems(problems: pl.DataFrame) -> Interval:
    """`interval` of rows of `by_problem`."""
    rows = problems.filter(pl.col("known") > 0)
    if rows.is_empty() or rows["known"].max() == 1:
        return wilson(int(rows["right"].sum()), int(rows["known"].sum()))
    return mean_of_clusters((rows["right"] / rows["known"]).to_numpy())


def verdicts(scores: pl.DataFrame, metric: str) -> dict[str, list[float]]:
    """Problem -> the verdicts of its samples, in their order: 1, 0 or nan."""
    values = scores.select("problem_id", pl.col(metric).cast(pl.Float64).fill_null(np.nan))
    by_problem = values.group_by("problem_id", maintain_order=True).agg(metric)
    return dict(by_problem.iter_rows())


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> Difference:
    """How much better b is than a, on the problems that have verdicts in both."""
    return difference_of_problems(by_problem(a, metric), by_problem(b, metric))


def difference_of_problems(a: pl.DataFrame, b: pl.DataFrame) -> Difference:
    """`difference` of rows of `by_problem`."""
    both = a.join(b, on="problem_id", maintain_order="left")
    rates = both["rate"].to_numpy(), both["rate_right"].to_numpy()
    if both.select((pl.col("samples", "samples_right") == 1).all()).row(0) == (True, True):
        return paired_difference(*rates)
    return paired_rate_difference(*rates)


def compare_pairs(pairs: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> list[dict[str, Any]]:
    """For each pair a, b: both intervals, the fields of `Difference`, and smallest_unpaired.

    smallest_unpaired: the difference that two runs on that many different problems would detect;
    None where a problem has several samples

    pairs: rows of `by_problem`, for a and for b
    """
    with ThreadPoolExecutor() as threads:  # NumPy's random draws and polars release the GIL
        return list(threads.map(lambda pair: _compare_pair(*pair), pairs))


def _compare_pair(a: pl.DataFrame, b: pl.DataFrame) -> dict[str, Any]:
    interval_a, interval_b = interval_of_problems(a), interval_of_problems(b)
    change = difference_of_problems(a, b)
    unpaired = None
    is_single = _has_single_samples(a) and _has_single_samples(b)
    if is_single and interval_a.value is not None and interval_b.value is not None:
        unpaired = detectable_unpaired(change.n, (interval_a.value + interval_b.value) / 2)
    return {
        "a": interval_a.to_json(),
        "b": interval_b.to_json(),
        **change.to_json(),
        "smallest_unpaired": unpaired,
    }


def _has_single_samples(problems: pl.DataFrame) -> bool:
    return bool((problems["samples"] == 1).all()) and problems["problem_id"].is_unique().all()
