"""Rows for tests of the store, and a writer that tests start as a process of its own."""

import itertools
import sys
from pathlib import Path

import polars as pl

from data import files
from data.schema import TABLES
from data.store import Store, add_generations, ask, open_store


def rows_of(table: str, **columns: list) -> pl.DataFrame:
    """A frame of `table` with these columns; the others, but run and stage, are null."""
    n = len(next(iter(columns.values())))
    return pl.DataFrame(
        {
            name: pl.Series(name, columns.get(name, [None] * n), dtype=dtype)
            for name, dtype in TABLES[table].items()
            if name in columns or name not in ("run", "stage")
        }
    )


def generated(*ids: str, grader: str = "strict") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Generations and their scores; each text repeats its id, all are right."""
    common = {
        "generation_id": list(ids),
        "problem_id": [f"problem of {id}" for id in ids],
        "sample": [0] * len(ids),
    }
    n = len(ids)
    texts = rows_of("generations", **common, text=[f"text of {id}" for id in ids])
    scores = rows_of("scores", **common, grader=[grader] * n, correct=[True] * n)
    return texts, scores


def problems(*ids: str) -> pl.DataFrame:
    return rows_of("problems", problem_id=list(ids), question=[f"question {id}" for id in ids])


def ids(store: Store, table: str = "problems", column: str = "problem_id") -> list[str]:
    return ask(store, f"select {column} from {table} order by all")[column].to_list()


def part_files(store: Store, folder: str) -> list[str]:
    return files.parquet_files(store.folder, folder)


def write_batches(folder: Path, run: str, batches: int | None, size: int) -> None:
    """Add batches of `size` generations, for ever where `batches` is None; say each when added."""
    store = open_store(folder)
    for batch in itertools.count() if batches is None else range(batches):
        ids = [f"{run}-{batch:05d}-{i:03d}" for i in range(size)]
        add_generations(store, *generated(*ids), run=run, stage="sft")
        print(batch, flush=True)


if __name__ == "__main__":
    folder, run, batches, size = sys.argv[1:]
    write_batches(Path(folder), run, None if batches == "forever" else int(batches), int(size))
