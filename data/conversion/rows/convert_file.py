"""Conversion of a file or folder without a store, for its counts alone."""

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from data.conversion import BATCH, Converter
from data.conversion.convert import convert
from data.conversion.dialects import BUNDLED, DialectTable
from data.progress import Progress
from data.sources import Rejected, Row, estimated_rows, files_in, row_shapes, rows_of, skipped_in
from data.worker_pool import map_in_order

NAMED = 20  # rejected lines that the counts name


def convert_file(
    path: Path,
    shape: str,
    rules: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    columns: dict[str, str] | None = None,
    *,
    table: DialectTable = BUNDLED,
    workers: int | None = None,
) -> dict[str, Any]:
    """Convert a file or folder without a store, and count.

    columns: where rows hold what the shape expects (data/sources/column_mapping.py)

    A line that is not a row is quarantined like a row: read = converted + quarantined. rejections:
    the first NAMED of these lines, with the reason.
    """
    converter = Converter(rules, table, workers)
    total = sum(map(estimated_rows, files_in(path)))
    rows = (rows_of(file, row_shapes.COLUMNS[shape], columns) for file in files_in(path))
    batches = batched(itertools.chain.from_iterable(rows), BATCH)
    work = functools.partial(_conversions_of_batch, shape=shape, table=table, rules=rules)
    rejected: list[Rejected] = []
    count = Counts()
    read = 0
    with closing(map_in_order(work, batches, converter.workers_for(total))) as results:
        for batch, conversions in results:
            count.add(conversions)
            rejected += [row for row in batch if isinstance(row, Rejected)][: NAMED - len(rejected)]
            read += len(batch)
            if progress:
                progress(min(read, total), total, {})
    if progress:
        progress(total, total, {})
    rejections = [f"{row.file}, number {row.number + 1}: {row.reason}" for row in rejected]
    return {
        "converter": converter.version,
        **count.as_dict(),
        **({"rejections": rejections} if rejections else {}),
        **({"skipped_files": skipped} if (skipped := skipped_in(path)) else {}),
    }


Summary = tuple[str, str | None, str | None, set[str]]  # outcome, dialect, pattern, phrases


def _conversions_of_batch(
    batch: list[Row | Rejected], shape: str, table: DialectTable, rules: frozenset[str]
) -> list[Summary]:
    """For each of `batch` what is counted of it; a rejected line is quarantined as no row."""
    summaries: list[Summary] = []
    for row in batch:
        if isinstance(row, Rejected):
            summaries.append(("quarantined", None, None, {"not a row"}))
        else:
            conversion = convert(row.values, shape, table, rules)
            phrases = {defect.phrase for defect in conversion.defects}
            summaries.append((conversion.outcome, conversion.dialect, conversion.pattern, phrases))
    return summaries


class Counts:
    """Counts over the conversions of a file, with the same keys as `counts`."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.by_dialect: Counter[str] = Counter()
        self.by_defect: Counter[str] = Counter()
        self.patterns: Counter[str] = Counter()

    def add(self, conversions: Iterable[Summary]) -> None:
        for outcome, dialect, pattern, phrases in conversions:
            self.outcomes[outcome] += 1
            self.by_dialect[dialect or "none"] += 1
            self.by_defect.update(phrases)
            if pattern is not None:
                self.patterns[pattern] += 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "read": self.outcomes.total(),
            "converted": self.outcomes["example"],
            "quarantined": self.outcomes["quarantined"],
            "by_dialect": dict(self.by_dialect.most_common()),
            "by_defect": dict(self.by_defect.most_common()),
            "patterns": dict(self.patterns.most_common()),
        }


def batched(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """`rows` in lists of `size`, the last of them shorter."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch
