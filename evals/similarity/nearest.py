"""Generations nearest to words or to another generation, by the cosine of their vectors.

Exact: every stored vector is compared, in blocks.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.progress import ProgressReporter
from data.store import Store, ask, within
from evals.scores import default_grader, grader_in
from evals.similarity.static_model import METHOD, embed
from evals.similarity.vectors import runs_with_generations, text_of, vectors_of

BLOCK = 65_536  # rows that are compared at once
EXCERPT = 300  # characters


def search(
    store: Store, words: str, run: str | None, field: str, limit: int, bar: ProgressReporter
) -> dict[str, Any]:
    """The object of `thinkbench search`: the generations whose `field` is nearest to `words`.

    run: None for all
    """
    [vector] = embed([words])
    if not vector.any():
        raise UserError("there is nothing to search for; expected words, as a question has them.")
    runs = runs_with_generations(store, run)
    rows, matrix = vectors_of(store, runs, field, bar)
    listed = _nearest(rows, matrix, vector, limit)
    return {"words": words, "run": run, **_result(store, listed, field, rows.height)}


def more_like(
    store: Store, generation: str, run: str | None, field: str, limit: int, bar: ProgressReporter
) -> dict[str, Any]:
    """The object of `thinkbench more-like`: the generations that are nearest to another one.

    generation: its id, or a unique prefix   run: to search in; None: its own
    """
    own = _generation(store, generation)
    runs = runs_with_generations(store, run or own["run"])
    [vector] = embed([text_of(own, field)])
    if not vector.any():
        raise UserError(
            f"generation {own['generation_id']} has no {field}, so nothing is similar to it."
            " Choose another field with --in."
        )
    rows, matrix = vectors_of(store, runs, field, bar)
    listed = _nearest(rows, matrix, vector, limit + 1)
    neighbours = listed.filter(pl.col("generation_id") != own["generation_id"]).head(limit)
    what = {"generation": own["generation_id"], "run": runs[0]}
    return {**what, **_result(store, neighbours, field, rows.height)}


def similarities(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The cosine of each row with `vector`.

    matrix: [rows, dimensions]  int8    vector: [dimensions]  float32, of length one
    returns: [rows]  float32
    """
    cosines = [np.zeros(0, np.float32)]
    for first in range(0, len(matrix), BLOCK):
        rows = matrix[first : first + BLOCK].astype(np.float32)
        cosines.append(rows @ vector / np.sqrt(np.einsum("ij,ij->i", rows, rows)))
    return np.concatenate(cosines)


def largest(numbers: np.ndarray, n: int) -> np.ndarray:
    """The places of the `n` largest numbers, the largest first, of equal ones the first."""
    if n < len(numbers):
        least = np.partition(numbers, -n)[-n]
        chosen = np.flatnonzero(numbers >= least)
    else:
        chosen = np.arange(len(numbers))
    return chosen[np.argsort(-numbers[chosen], kind="stable")][:n]


def _nearest(
    rows: pl.DataFrame, matrix: np.ndarray, vector: np.ndarray, limit: int
) -> pl.DataFrame:
    cosines = similarities(matrix, vector)
    order = largest(cosines, limit)
    return rows[order].with_columns(similarity=pl.Series(cosines[order]).cast(pl.Float64))


def _result(store: Store, listed: pl.DataFrame, field: str, n: int) -> dict[str, Any]:
    texts = excerpts(store, listed, field)
    return {
        "in": field,
        "method": METHOD,
        "n": n,
        "rows": [
            row | texts[row["generation_id"]] | {"similarity": round(row["similarity"], 4)}
            for row in listed.iter_rows(named=True)
        ],
    }


def excerpts(store: Store, listed: pl.DataFrame, field: str) -> dict[str, dict[str, Any]]:
    """Generation -> excerpt of `field`, and correct: by the grader that fits its run."""
    runs = listed["run"].unique().sort().to_list()
    values: dict[str, dict[str, Any]] = {}
    for run in runs:
        ids = listed.filter(run=run)["generation_id"].to_list()
        verdicts = dict(_verdicts(store, run, ids))
        for row in _texts(store, run, ids):
            text = " ".join(text_of(row, field)[: 4 * EXCERPT].split())
            correct = verdicts.get(row["generation_id"])
            values[row["generation_id"]] = {"correct": correct, "excerpt": text[:EXCERPT]}
    return values


def _texts(store: Store, run: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    query = """
        select distinct on (generation_id) generation_id, question, text
        from answered_generations where run = $run and generation_id in (select unnest($ids))
    """
    return ask(within(store, [run]), query, run=run, ids=list(ids)).to_dicts()


def _verdicts(store: Store, run: str, ids: Sequence[str]) -> list[tuple[str, bool | None]]:
    query = """
        select generation_id, correct from current_scores
        where run = $run and grader = $grader and grader_version = $version
            and generation_id in (select unnest($ids))
    """
    rule = grader_in(store, default_grader(store, [run]))
    values = {"grader": rule.name, "version": rule.version, "ids": list(ids)}
    return ask(within(store, [run]), query, run=run, **values).rows()


def _generation(store: Store, prefix: str) -> dict[str, Any]:
    rows = ask(
        store,
        """
        select distinct on (generation_id) generation_id, run, question, text
        from answered_generations where starts_with(generation_id, $prefix) limit 2
        """,
        prefix=prefix,
    )
    if rows.height != 1 or not prefix:
        raise UserError(
            f"{rows.height or 'no'} generations have an id that begins with {prefix!r}; expected"
            " one. `thinkbench search` and `thinkbench failures --category NAME` list ids."
        )
    return rows.row(0, named=True)
