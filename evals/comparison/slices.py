"""A comparison slice by slice: where, by what kind of problem, two runs differ."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.store import Store, ask
from evals.comparison.metrics import by_problem, compared
from evals.graders import number

SMALL = 30  # problems; a slice of fewer says so
UNKNOWN = "unknown"
QUARTERS = (0.25, 0.5, 0.75)
MAGNITUDES = (10, 100, 1_000)  # of golds, without their sign
MAGNITUDE_NAMES = (
    "below 10",
    "10 to below 100",
    "100 to below 1,000",
    "1,000 and more",
    "not a number",
)

# problem -> place of its slice among the others, and its name
Slices = list[tuple[int, str]]


def slices(
    store: Store, a: pl.DataFrame, b: pl.DataFrame, by: Sequence[str]
) -> list[dict[str, Any]]:
    """A row a slice, for the metric answer: slice, value, n, small, a, b, then the difference.

    a, b: scores of the same problems. n counts those whose verdicts are known in both.
    """
    if wrong := [name for name in by if name not in SLICINGS]:
        raise UserError(
            f"there is no slicing by {wrong[0]!r}; expected one of {', '.join(SLICINGS)}."
            " Name one of them."
        )
    problems = _problems(store, a["problem_id"].unique().sort().to_list()) if by else pl.DataFrame()
    # of the same problems and one stage each: a row for each, in the order of `problems`
    of_a, of_b = (by_problem(scores, "answer") for scores in (a, b))
    parts = [(name, *part) for name in by for part in _inside(name, problems)]
    found = compared((of_a[inside], of_b[inside]) for _, _, inside in parts)
    return [
        {"slice": name, "value": value, "n": row["n"], "small": row["n"] < SMALL, **row}
        for (name, value, _), row in zip(parts, found, strict=True)
    ]


def _inside(name: str, problems: pl.DataFrame) -> list[tuple[str, list[int]]]:
    """Each slice of this slicing, in order: its value, and the places of its problems."""
    members: dict[tuple[int, str], list[int]] = {}
    for row, place_and_value in enumerate(SLICINGS[name](problems)):
        members.setdefault(place_and_value, []).append(row)
    return [(value, inside) for (_, value), inside in sorted(members.items())]


def _problems(store: Store, ids: list[str]) -> pl.DataFrame:
    """problem_id, source, split, steps, question, gold: a row for each of `ids`, in that order.

    All but the first are null where the store has lost the problem.
    """
    return ask(
        store,
        """
        select problem_id, p.* exclude (problem_id)
        from (select unnest($ids) as problem_id) left join (
            select
                problem_id, min(source) as source, min(split) as split, min(steps) as steps,
                min(question) as question, min(gold) as gold
            from problems
            where problem_id in (select unnest($ids))
            group by problem_id
        ) p using (problem_id)
        order by problem_id
        """,
        ids=ids,
    )


def _by_column(column: str) -> Callable[[pl.DataFrame], Slices]:
    def of_problem(problems: pl.DataFrame) -> Slices:
        values = problems[column]
        order = {value: place for place, value in enumerate(values.unique().drop_nulls().sort())}
        unknown = (len(order), UNKNOWN)
        return [unknown if v is None else (order[v], str(v)) for v in values.to_list()]

    return of_problem


def _by_length(problems: pl.DataFrame) -> Slices:
    """Quarters of these problems by the length of their question; equal lengths stay together."""
    lengths = problems["question"].str.len_chars()
    known = lengths.drop_nulls().to_numpy()
    if not len(known):
        return [(0, UNKNOWN)] * len(lengths)
    edges = np.unique(np.quantile(known, QUARTERS, method="inverted_cdf"))
    quarter = np.searchsorted(edges, known)
    names = {
        int(place): f"{known[quarter == place].min()} to {known[quarter == place].max()} characters"
        for place in set(quarter)
    }
    of_known = iter(quarter.tolist())
    places = [None if length is None else next(of_known) for length in lengths.to_list()]
    return [(len(edges) + 1, UNKNOWN) if p is None else (p, names[p]) for p in places]


def _by_gold(problems: pl.DataFrame) -> Slices:
    values = [None if gold is None else number(gold) for gold in problems["gold"].to_list()]
    places = [
        len(MAGNITUDES) + 1 if value is None else sum(abs(value) >= edge for edge in MAGNITUDES)
        for value in values
    ]
    return [(place, MAGNITUDE_NAMES[place]) for place in places]


SLICINGS: dict[str, Callable[[pl.DataFrame], Slices]] = {
    "steps": _by_column("steps"),
    "source": _by_column("source"),
    "split": _by_column("split"),
    "length": _by_length,
    "gold": _by_gold,
}
