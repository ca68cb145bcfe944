"""Comparison by slice: on which kinds of problems two runs differ."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.numbers import parse_number
from data.store import Store, ask, within
from evals.comparison.metrics import by_problem, compare_pairs
from evals.graders import targets_of
from evals.statistics import SMALL

NO_VALUE = "unknown"
QUARTERS = (0.25, 0.5, 0.75)
MAGNITUDES = (10, 100, 1_000)  # of the absolute value of the reference answer
MAGNITUDE_NAMES = (
    "below 10",
    "10 to below 100",
    "100 to below 1,000",
    "1,000 and more",
    "not a number",
)

# for each problem the rank of its slice, and the name of the slice
Slices = list[tuple[int, str]]


def slices(
    store: Store, run: str, a: pl.DataFrame, b: pl.DataFrame, by: Sequence[str]
) -> list[dict[str, Any]]:
    """One row per slice, for the metric answer: slice, value, n, small, a, b, then the difference.

    run: whose questions and reference answers are taken, as RUN or RUN/STAGE
    a, b: scores of the same problems. n counts the problems.
    """
    if invalid := [name for name in by if name not in SLICINGS]:
        raise UserError(
            f"there is no slicing by {invalid[0]!r}; expected one of {', '.join(SLICINGS)}."
            " Name one of them."
        )
    ids = a["problem_id"].unique().sort().to_list()
    problems = _problems(store, run.partition("/")[0], ids) if by else pl.DataFrame()
    # one row per problem in the order of `problems`, as both have the same problems and one stage
    rows_a, rows_b = (by_problem(scores, "answer") for scores in (a, b))
    parts = [(name, *part) for name in by for part in _members(name, problems)]
    rows = compare_pairs((rows_a[members], rows_b[members]) for _, _, members in parts)
    return [
        {"slice": name, "value": value, "n": row["n"], "small": row["n"] < SMALL, **row}
        for (name, value, _), row in zip(parts, rows, strict=True)
    ]


def _members(name: str, problems: pl.DataFrame) -> list[tuple[str, list[int]]]:
    """Each slice of this slicing, in order: its value, and the row numbers of its problems."""
    members: dict[tuple[int, str], list[int]] = {}
    for row, rank_and_value in enumerate(SLICINGS[name](problems)):
        members.setdefault(rank_and_value, []).append(row)
    return [(value, rows) for (_, value), rows in sorted(members.items())]


def _problems(store: Store, run: str, ids: list[str]) -> pl.DataFrame:
    """problem_id, source, split, steps, question, gold: one row for each of `ids`, in that order.

    All columns but the first are null where the store has no such problem.
    """
    return ask(
        within(store, [run]),
        """
        select problem_id, p.* exclude (problem_id, run)
        from (select unnest($ids) as problem_id) left join (
            select * from answered_problems where run = $run
        ) p using (problem_id)
        order by problem_id
        """,
        run=run,
        ids=ids,
    )


def _by_column(column: str) -> Callable[[pl.DataFrame], Slices]:
    def of_problem(problems: pl.DataFrame) -> Slices:
        values = problems[column]
        order = {value: rank for rank, value in enumerate(values.unique().drop_nulls().sort())}
        unknown = (len(order), NO_VALUE)
        return [unknown if v is None else (order[v], str(v)) for v in values.to_list()]

    return of_problem


def _by_length(problems: pl.DataFrame) -> Slices:
    """Quartiles of these problems by the length of the question; ties stay in one slice."""
    lengths = problems["question"].str.len_chars()
    defined = lengths.drop_nulls().to_numpy()
    if not len(defined):
        return [(0, NO_VALUE)] * len(lengths)
    edges = np.unique(np.quantile(defined, QUARTERS, method="inverted_cdf"))
    quarter = np.searchsorted(edges, defined)
    names = {
        int(q): f"{defined[quarter == q].min()} to {defined[quarter == q].max()} characters"
        for q in set(quarter)
    }
    of_defined = iter(quarter.tolist())
    ranks = [None if length is None else next(of_defined) for length in lengths.to_list()]
    return [(len(edges) + 1, NO_VALUE) if rank is None else (rank, names[rank]) for rank in ranks]


def _by_gold(problems: pl.DataFrame) -> Slices:
    golds = problems["gold"].to_list()
    values = [None if gold is None else parse_number(targets_of(gold)[0]) for gold in golds]
    ranks = [
        len(MAGNITUDES) + 1 if value is None else sum(abs(value) >= edge for edge in MAGNITUDES)
        for value in values
    ]
    return [(rank, MAGNITUDE_NAMES[rank]) for rank in ranks]


SLICINGS: dict[str, Callable[[pl.DataFrame], Slices]] = {
    "steps": _by_column("steps"),
    "source": _by_column("source"),
    "split": _by_column("split"),
    "length": _by_length,
    "gold": _by_gold,
}
