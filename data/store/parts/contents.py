"""What the file of a part has in it: rows, and what its metadata says of them."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from data.store import files
from data.store.files import StoreError
from data.store.parts.names import FOLDERS, may_come_again

WITH_TEXTS = ("records", "examples", "generations", "judge_replies", "rollouts",
              "rollout_origins", "preference_pairs")  # fmt: skip
TEXT_ROWS = 4096  # rows of a row group of texts: reading one text costs reading one group
ROWS = 65536  # rows of a row group of anything else


class Part(NamedTuple):
    """A row of the table `parts`, but for its status."""

    path: str
    table: str
    run: str | None
    stage: str | None
    rows: int
    size: int  # bytes
    columns: str  # names in order, joined by commas


class Described(NamedTuple):
    """A part as its file has it.

    replaces: the paths of the parts that it replaces
    holds:    the paths of the parts whose rows it has, also through merges of merges, and that may
              be needed or written once more (see `may_come_again`)
    """

    part: Part
    replaces: list[str]
    holds: list[str]


def content(
    table: str, rows: pl.DataFrame, replaces: Iterable[str] = (), holds: Iterable[str] = ()
) -> memoryview:
    """The bytes of a part. In memory first: polars hides which error the disk had."""
    buffer = io.BytesIO()
    rows.write_parquet(
        buffer,
        compression="zstd",
        row_group_size=TEXT_ROWS if table in WITH_TEXTS else ROWS,
        metadata={
            "thinkbench.replaces": json.dumps(sorted(replaces)),
            "thinkbench.holds": json.dumps(sorted(holds)),
        },
    )
    return buffer.getbuffer()


def footer(root: Path, path: str) -> Any:
    """The metadata of a Parquet file, as pyarrow reads it; FileNotFoundError where it is gone."""
    import pyarrow  # a question about registered parts does without
    import pyarrow.parquet

    with files.explained(root / path), open(f"{root}/{path}", "rb") as file:
        try:
            return pyarrow.parquet.read_metadata(file)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, EOFError) as error:
            raise StoreError(
                f"{root / path} is no whole Parquet file ({error}). Every part of a store is."
                " Restore it from a backup, or move it out of the store to go on without its rows."
            ) from error


def described(root: Path, path: str) -> Described:
    """The part at `path`; FileNotFoundError where it is gone."""
    metadata = footer(root, path)
    levels = path.split("/")
    keys = dict(level.split("=", 1) for level in levels[1:-1])
    table = next(table for table, folder in FOLDERS.items() if folder == levels[0])
    run = keys.get("run")
    if run is not None and not runs_in(metadata) <= {run}:
        raise StoreError(
            f"{root / path} holds rows of {', '.join(sorted(runs_in(metadata)))}; expected those of"
            f" run {run}, in whose folder it lies. Move it out of the store."
        )
    part = Part(
        path,
        table,
        run,
        keys.get("stage"),
        metadata.num_rows,
        files.size(root, path),
        ",".join(metadata.schema.to_arrow_schema().names),
    )
    texts = metadata.metadata or {}
    replaces = json.loads(texts.get(b"thinkbench.replaces", b"[]"))
    holds = json.loads(texts.get(b"thinkbench.holds", b"null"))
    if holds is None:  # of a version that did not say
        holds = [replaced for replaced in replaces if may_come_again(replaced)]
    return Described(part, replaces, holds)


def runs_in(metadata: Any) -> set[str]:
    """The first and last name in the column `run`, where the file has statistics of it."""
    names: set[str] = set()
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            if column.path_in_schema == "run" and column.statistics is not None:
                names |= {column.statistics.min, column.statistics.max}
    return names - {None}
