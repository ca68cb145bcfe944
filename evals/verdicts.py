"""Verdicts on many problems as numbers: a metric with its interval, a paired difference."""

from typing import Any

import numpy as np
import polars as pl

from evals.pairs import Difference, paired, paired_rates
from evals.power import smallest_unpaired
from evals.statistics import Interval, mean_of_clusters, wilson

METRICS = ("format", "answer", "partial")


def interval(scores: pl.DataFrame, metric: str) -> Interval:
    """The metric over `scores` with its interval; n counts the problems of each stage.

    Unknown verdicts are left out. Several samples of a problem are a cluster.
    """
    known = scores.filter(pl.col(metric).is_not_null())
    by_problem = known.group_by("stage", "problem_id").agg(pl.col(metric).mean(), pl.len())
    if by_problem.is_empty() or by_problem["len"].max() == 1:
        return wilson(int(known[metric].sum()), known.height)
    return mean_of_clusters(by_problem[metric].to_numpy())


def verdicts(scores: pl.DataFrame, metric: str) -> dict[str, list[float]]:
    """Problem -> the verdicts of its samples, in their order: 1, 0 or nan."""
    values = scores.select("problem_id", pl.col(metric).cast(pl.Float64).fill_null(np.nan))
    by_problem = values.group_by("problem_id", maintain_order=True).agg(metric)
    return dict(by_problem.iter_rows())


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> Difference:
    """How much better b is than a, on the problems whose verdicts are known in both."""
    left, right = verdicts(a, metric), verdicts(b, metric)
    both = sorted(left.keys() & right.keys())
    rows_a, rows_b = [left[problem] for problem in both], [right[problem] for problem in both]
    if all(len(row) == 1 for row in rows_a + rows_b):
        return paired(np.array(rows_a).reshape(-1), np.array(rows_b).reshape(-1))
    # of a problem with several samples the share that is right counts
    return paired_rates(*(np.array([np.mean(row) for row in rows]) for rows in (rows_a, rows_b)))


def compared(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> dict[str, Any]:
    """a and b with their intervals, the fields of their `difference`, and smallest_unpaired.

    The last is what two runs on so many different problems would have needed for a find; None for
    several samples a problem.
    """
    of_a, of_b = interval(a, metric), interval(b, metric)
    found = difference(a, b, metric)
    unpaired = None
    if of_a.value is not None and of_b.value is not None and _one_sample(a) and _one_sample(b):
        unpaired = smallest_unpaired(found.n, (of_a.value + of_b.value) / 2)
    return {
        "a": of_a.to_json(),
        "b": of_b.to_json(),
        **found.to_json(),
        "smallest_unpaired": unpaired,
    }


def _one_sample(scores: pl.DataFrame) -> bool:
    return scores.height == scores["problem_id"].n_unique()
