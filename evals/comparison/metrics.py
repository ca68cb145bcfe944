"""Verdicts on many problems as numbers: a metric with its interval, a paired difference."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from evals.statistics import (
    Difference,
    Interval,
    mean_of_clusters,
    paired_rates,
    smallest_unpaired,
    wilson,
)
from evals.statistics.paired import paired

METRICS = ("format", "answer", "partial")


def interval(scores: pl.DataFrame, metric: str) -> Interval:
    """The metric over `scores` with its interval; n counts the problems of each stage.

    Unknown verdicts are left out. Several samples of a problem are a cluster.
    """
    return interval_of(by_problem(scores, metric))


def by_problem(scores: pl.DataFrame, metric: str) -> pl.DataFrame:
    """stage, problem_id, samples, known, right, rate: a row a problem of each stage, in order.

    rate: the share of its samples that is right, nan where any verdict is unknown
    """
    values = pl.col(metric).cast(pl.Float64)
    found = scores.group_by("stage", "problem_id").agg(
        samples=pl.len(),
        known=values.count(),
        right=values.sum(),
        rate=values.fill_null(np.nan).mean(),
    )
    return found.sort("stage", "problem_id")  # floats are then summed in one order


def interval_of(found: pl.DataFrame) -> Interval:
    """`interval`, of rows of `by_problem`."""
    known = found.filter(pl.col("known") > 0)
    if known.is_empty() or known["known"].max() == 1:
        return wilson(int(known["right"].sum()), int(known["known"].sum()))
    return mean_of_clusters((known["right"] / known["known"]).to_numpy())


def verdicts(scores: pl.DataFrame, metric: str) -> dict[str, list[float]]:
    """Problem -> the verdicts of its samples, in their order: 1, 0 or nan."""
    values = scores.select("problem_id", pl.col(metric).cast(pl.Float64).fill_null(np.nan))
    by_problem = values.group_by("problem_id", maintain_order=True).agg(metric)
    return dict(by_problem.iter_rows())


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> Difference:
    """How much better b is than a, on the problems whose verdicts are known in both."""
    return difference_of(by_problem(a, metric), by_problem(b, metric))


def difference_of(a: pl.DataFrame, b: pl.DataFrame) -> Difference:
    """`difference`, of rows of `by_problem`."""
    both = a.join(b, on="problem_id", maintain_order="left")
    rates = both["rate"].to_numpy(), both["rate_right"].to_numpy()
    if both.select((pl.col("samples", "samples_right") == 1).all()).row(0) == (True, True):
        return paired(*rates)
    # of a problem with several samples the share that is right counts
    return paired_rates(*rates)


def compared(pairs: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> list[dict[str, Any]]:
    """For each pair a, b: their intervals, the fields of `difference_of`, and smallest_unpaired.

    The last is what two runs on so many different problems would have needed for a find; None for
    several samples a problem.

    pairs: rows of `by_problem`, twice
    """
    with ThreadPoolExecutor() as cores:  # NumPy's draws and polars leave Python to others
        return list(cores.map(lambda pair: _compared(*pair), pairs))


def _compared(a: pl.DataFrame, b: pl.DataFrame) -> dict[str, Any]:
    of_a, of_b = interval_of(a), interval_of(b)
    found = difference_of(a, b)
    unpaired = None
    if of_a.value is not None and of_b.value is not None and _one_sample(a) and _one_sample(b):
        unpaired = smallest_unpaired(found.n, (of_a.value + of_b.value) / 2)
    return {
        "a": of_a.to_json(),
        "b": of_b.to_json(),
        **found.to_json(),
        "smallest_unpaired": unpaired,
    }


def _one_sample(found: pl.DataFrame) -> bool:
    return bool((found["samples"] == 1).all()) and found["problem_id"].is_unique().all()
