"""Vectors of stored generations: computed once for each, stored, and read as a matrix."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from data.progress import Progress, ProgressReporter, no_progress
from data.store import TABLES, Store, add, ask, files, fingerprint, unfrozen, version, within
from evals.graders import after_thought, thoughts
from evals.scores import in_batches, unknown_run
from evals.similarity.static_model import DIMENSIONS, METHOD, embed

FIELDS = ("question", "reasoning", "answer")
LARGEST = 127  # a stored vector has whole numbers up to this: a quarter of the bytes


def embed_missing(store: Store, run: str, field: str, progress: Progress | None = None) -> int:
    """Store the vectors of `field` of the generations of `run` that have none; returns how many.

    A second process waits, and does what is left. What is killed goes on after its last batch.
    """
    if _without_vector(store, run, field).is_empty():
        return 0  # before the lock: the store may be read-only
    with files.exclusive(store.folder, f"embed-{run}-{field}"):
        missing = _without_vector(store, run, field)
        done = 0
        for part in in_batches(store, run, missing["generation_id"]):
            for (stage,), of_stage in part.group_by("stage", maintain_order=True):
                once = fingerprint(
                    ids=of_stage["generation_id"].to_list(), field=field, method=METHOD
                )
                rows = embedded(of_stage, field)
                add(store, "embeddings", rows, run=run, stage=str(stage), once=once)
            done += part.height
            (progress or no_progress)(done, missing.height, {})
    return missing.height


def embedded(generations: pl.DataFrame, field: str) -> pl.DataFrame:
    """The rows of `embeddings`; a generation without such a text has a null vector."""
    texts = [text_of(row, field) for row in generations.iter_rows(named=True)]
    distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    vectors = stored(embed(list(distinct)))
    cells = [
        vectors[distinct[text]].tobytes() if vectors[distinct[text]].any() else None
        for text in texts
    ]
    return generations.select(
        *("generation_id", "run", "stage", "problem_id", "sample"),
        pl.lit(field).alias("field"),
        pl.lit(METHOD).alias("method"),
        pl.Series("vector", cells, TABLES["embeddings"]["vector"]),
    )


def text_of(generation: dict[str, Any], field: str) -> str:
    """The text of `field`: the thoughts and what stands after them; without, both are all of it."""
    text = generation["question" if field == "question" else "text"] or ""
    if field == "question" or not (spans := thoughts(text)):
        return text
    if field == "reasoning":
        return "\n".join(text[span.start : span.end] for span in spans)
    return after_thought(text) or ""


def stored(vectors: np.ndarray) -> np.ndarray:
    """Vectors as they are stored: each with its largest number as LARGEST. Cosines change by 0.001.

    vectors: [texts, DIMENSIONS]  float32
    returns: [texts, DIMENSIONS]  int8
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    return np.rint(vectors * (LARGEST / np.where(largest > 0, largest, 1))).astype(np.int8)


def vectors_of(
    store: Store, runs: Sequence[str], field: str, bar: ProgressReporter
) -> tuple[pl.DataFrame, np.ndarray]:
    """generation_id, run, stage, problem_id, sample; and the vector of each row.

    Of the runs' generations with such a text, by run, stage, problem and sample; those that have no
    vector get one first. What was read is kept in memory until the store changes.

    matrix: [rows, DIMENSIONS]  int8, of any length
    """
    rows, matrix, is_complete = _read(store, tuple(runs), field)
    if is_complete:
        return rows, matrix
    for run in runs:
        embed_missing(store, run, field, bar(f"embed {run}"))
    rows, matrix, _ = _read(store, tuple(runs), field)
    return rows, matrix


def _read(store: Store, runs: tuple[str, ...], field: str) -> tuple[pl.DataFrame, np.ndarray, bool]:
    return _read_at(unfrozen(store), version(store, "generations", "embeddings"), runs, field)


@lru_cache(maxsize=2)
def _read_at(
    store: Store, at: Any, runs: tuple[str, ...], field: str
) -> tuple[pl.DataFrame, np.ndarray, bool]:
    rows = (
        ask(
            within(store, runs),
            """
            select generation_id, run, stage, problem_id, sample, vector from embeddings
            where run in (select unnest($runs)) and field = $field and method = $method
            """,
            runs=list(runs),
            field=field,
            method=METHOD,
        )
        .unique("generation_id", keep="first", maintain_order=True)
        .sort("run", "stage", "problem_id", "sample", "generation_id")
    )
    n = ask(
        within(store, runs),
        "select count(distinct generation_id) from generations where run in (select unnest($runs))",
        runs=list(runs),
    ).item()
    chosen = rows.filter(pl.col("vector").is_not_null())
    matrix = np.frombuffer(b"".join(chosen["vector"].to_list()), np.int8)
    return chosen.drop("vector"), matrix.reshape(chosen.height, DIMENSIONS), rows.height == n


def runs_with_generations(store: Store, run: str | None) -> list[str]:
    """`run` alone, or without one all that have generations; UserError if there are none."""
    query = "select distinct run from generations where $run is null or run = $run order by run"
    runs = ask(store if run is None else within(store, [run]), query, run=run)["run"].to_list()
    if not runs:
        what = "generations" if run is None else f"generations of run {run!r}"
        raise unknown_run(
            store,
            run or "",
            f"the store has no {what}; expected an evaluation or an import. List them:"
            " thinkbench runs list",
        )
    return runs


def _without_vector(store: Store, run: str, field: str) -> pl.DataFrame:
    return ask(
        within(store, [run]),
        """
        select distinct generation_id, stage, problem_id, sample from generations
        where run = $run and generation_id not in (
            select generation_id from embeddings
            where run = $run and field = $field and method = $method
        )
        order by stage, problem_id, sample, generation_id
        """,
        run=run,
        field=field,
        method=METHOD,
    )
