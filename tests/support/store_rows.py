"""Rows for tests of the store, and a writer that tests start as a process of its own."""

import itertools
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from data.store import files
from data.store.schema import TABLES
from data.store.store import Store, add, add_generations, ask, open_store
from evals.graders.rules import GRADERS


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
        "problem_id": [f"problem of {name}" for name in ids],
        "sample": [0] * len(ids),
    }
    n = len(ids)
    texts = rows_of("generations", **common, text=[f"text of {name}" for name in ids])
    scores = rows_of("scores", **common, grader=[grader] * n, correct=[True] * n)
    return texts, scores


def scored(
    store: Store,
    run: str,
    verdicts: dict[str, Any],
    *,
    stage: str = "sft",
    grader: str = "strict",
    finish: Mapping[str, str | None] | None = None,
) -> None:
    """Add scores alone: problem -> right, wrong or unknown (None), or a list of its samples."""
    rows = [
        (problem, sample, right)
        for problem, answers in verdicts.items()
        for sample, right in enumerate(answers if isinstance(answers, list) else [answers])
    ]
    ids, samples, right = (list(column) for column in zip(*rows, strict=True))
    n = len(rows)
    frame = rows_of(
        "scores",
        generation_id=[f"{problem}:{sample}:{run}:{stage}" for problem, sample, _ in rows],
        problem_id=ids,
        sample=samples,
        grader=[grader] * n,
        grader_version=[GRADERS[grader].version] * n,
        format=[True] * n,
        correct=right,
        partial=right,
        finish=[(finish or {}).get(name, "stop") for name in ids],
    )
    add(store, "scores", frame, run=run, stage=stage)


def problems(*ids: str) -> pl.DataFrame:
    return rows_of("problems", problem_id=list(ids), question=[f"question {name}" for name in ids])


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


def copied(folder: Path, into: Path) -> Store:
    """The store in `folder`, copied to where `show` shows it: filled once, and each test's own."""
    shutil.copytree(folder, into / "store")
    return open_store(into / "store")
