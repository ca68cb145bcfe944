"""Metrics of stages: a share with its interval, and the paired difference of two stages.

An unknown verdict counts as not correct. Beside each value stand the number of unknown verdicts and
the value that it would have if all of them were correct.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Share(Interval):
    """A share in which unknown verdicts count as not correct.

    unknown: number of unknown verdicts      if_correct: the value if all of them were correct
    """

    unknown: int = 0
    if_correct: float | None = None


def interval(scores: pl.DataFrame, metric: str) -> Share:
    """The metric over `scores` with its interval; n counts the problems of each stage.

    The samples of a problem are a cluster.
    """
    return interval_of_problems(by_problem(scores, metric))


def by_problem(scores: pl.DataFrame, metric: str) -> pl.DataFrame:
    """stage, problem_id, samples, known, right, rate, open: a row per problem and stage, sorted.

    known: samples with a verdict      rate, open: shares of the samples that are right, unknown
    """
    values = pl.col(metric).cast(pl.Float64)
    rows = scores.group_by("stage", "problem_id").agg(
        samples=pl.len(),
        known=values.count(),
        right=values.sum(),
        rate=values.sum() / pl.len(),
        open=values.null_count() / pl.len(),
    )
    return rows.sort("stage", "problem_id")  # so that floats are summed in a fixed order


def interval_of_problems(problems: pl.DataFrame) -> Share:
    """`interval` of rows of `by_problem`."""
    unknown = int((problems["samples"] - problems["known"]).sum())
    if problems.is_empty() or problems["samples"].max() == 1:
        share = wilson(int(problems["right"].sum()), problems.height)
    else:
        share = mean_of_clusters(problems["rate"].to_numpy())
    if_correct = share.value
    if unknown and share.value is not None:
        if_correct = float((problems["rate"] + problems["open"]).to_numpy().mean())
    return Share(share.value, share.low, share.high, share.n, unknown, if_correct)


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> Difference:
    """How much better b is than a, on the problems that both answered."""
    return difference_of_problems(by_problem(a, metric), by_problem(b, metric))


def difference_of_problems(a: pl.DataFrame, b: pl.DataFrame) -> Difference:
    """`difference` of rows of `by_problem`."""
    both = a.join(b, on="problem_id", maintain_order="left")
    rates = both["rate"].to_numpy(), both["rate_right"].to_numpy()
    is_single = both.select((pl.col("samples", "samples_right") == 1).all()).row(0) == (True, True)
    change = (paired_difference if is_single else paired_rate_difference)(*rates)
    return _with_unknown(change, *rates, both["open"].to_numpy(), both["open_right"].to_numpy())


def _with_unknown(
    change: Difference, a: np.ndarray, b: np.ndarray, open_a: np.ndarray, open_b: np.ndarray
) -> Difference:
    """`change` with what it would be if the unknown verdicts were others."""
    unknown = int(((open_a > 0) | (open_b > 0)).sum())
    if not unknown:
        value = change.difference
        return replace(change, if_correct=value, lowest=value, highest=value)
    return replace(
        change,
        unknown=unknown,
        if_correct=float((b + open_b - a - open_a).mean()),
        lowest=float((b - a - open_a).mean()),
        highest=float((b + open_b - a).mean()),
    )


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
