"""Files that a browser sent, as rows of the store: generations of models, and training data."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources import check_source
from data.sources.ingest import ingest
from data.store import open_store
from evals.imports.import_file import import_file

GENERATIONS = ("jsonl", "json", "eval")  # endings of files with generations
ROWS = ("jsonl", "csv", "parquet")  # of files with rows


@contextmanager
def uploaded(file: Any) -> Iterator[Path]:
    """An uploaded file on the disk, under its own name, while it is read."""
    with tempfile.TemporaryDirectory() as folder:
        # a browser sends a name; a forged request may send a path
        path = Path(folder) / (Path(file.name.replace("\\", "/")).name or "upload")
        path.write_bytes(file.getbuffer())
        yield path


def import_generations(folder: Path, file: Any, name: str) -> dict[str, Any]:
    """Import the generations of an uploaded file as the run `name`; the counts of `import`."""
    if not name:
        raise UserError("the run has no name. Give it one, such as sky-math500.")
    with uploaded(file) as path:
        return import_file(open_store(folder), path, name)


def ingest_rows(folder: Path, file: Any, source: str, shape: str) -> dict[str, Any]:
    """Ingest and convert the rows of an uploaded file; the counts of both."""
    if not source:
        raise UserError("the source has no name. Give it one, such as my-solutions.")
    with uploaded(file) as path:
        check_source(source, path, shape)  # before the store is created
        store = open_store(folder)
        counts = ingest(store, source, path, shape)
    return {**counts, "converted": convert_source(store, source, make_newest=True)}
