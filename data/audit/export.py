"""The audit of one conversion as files: every row as Parquet and as JSONL, and an HTML report."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from data.audit import html, queries
from data.errors import UserError
from data.store import Store, ask, snapshot

AT_A_TIME = 2_000  # rows in memory
PARQUET, JSONL, REPORT = "conversion.parquet", "conversion.jsonl", "report.html"


def export(store: Store, source: str, folder: Path) -> dict[str, Any]:
    """Write the newest conversion of `source` to a new folder; what was written."""
    if folder.exists():
        raise UserError(f"{folder} exists already; name another folder or move it away")
    converter = queries.newest(store, source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # written in a temporary folder first, so that an interrupted export leaves nothing behind
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        part = Path(beside, "audit")
        part.mkdir()
        with snapshot(store) as moment:  # all three files are of it
            rows = _write_rows(pages(moment, source, converter), part)
            page = html.page(moment, source, converter)
        (part / REPORT).write_text(page, encoding="utf-8")
        part.replace(folder)
    files = [str(folder / name) for name in (PARQUET, JSONL, REPORT)]
    return {"source": source, "converter": converter, "rows": rows, "files": files}


def _write_rows(pages: Iterator[pl.DataFrame], folder: Path) -> int:
    """Write both files of rows; the number of rows."""
    rows = 0
    writer = None
    try:
        with (folder / JSONL).open("w", encoding="utf-8") as lines:
            for page in pages:
                rows += page.height
                table = page.to_arrow()
                writer = writer or pq.ParquetWriter(
                    folder / PARQUET, table.schema, compression="zstd"
                )
                writer.write_table(table)
                for row in page.iter_rows(named=True):
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        if writer:
            writer.close()
    except OSError as error:
        if error.filename is None:  # Parquet's writer does not name the file
            error.filename = str(folder.parent.parent)
        raise
    return rows


def pages(store: Store, source: str, converter: str) -> Iterator[pl.DataFrame]:
    """Every row of a conversion with its record, AT_A_TIME rows a frame, in file order."""
    ids = ask(
        store,
        """
        select c.record_id, r.row_number
        from record_conversions c join source_records r using (record_id)
        where c.source = $source and c.converter = $converter
        order by r.row_number, c.record_id
        """,
        source=source,
        converter=converter,
    )
    for start in range(0, ids.height, AT_A_TIME):
        part = ids[start : start + AT_A_TIME]
        yield ask(
            store,
            """
            select
                r.row_number, c.record_id, r.origin, r.split, r.shape, c.outcome, c.reason,
                c.dialect, c.pattern, c.defects, e.prompt, e.reasoning, e.answer,
                e.reasoning_start, e.reasoning_end, e.answer_start, e.answer_end, e.rewrites,
                u.ruling, u.author as ruled_by, u.reason as ruled_because, r.body
            from (
                select * from record_conversions
                where source = $source and converter = $converter
                    and list_contains($ids::varchar[], record_id)
            ) c
            join (
                select unnest($ids) as record_id, unnest($numbers) as row_number
            ) using (record_id)
            join (
                -- else every body is read for each page
                select * from records_by_row where row_number between $first and $last
            ) r using (record_id, row_number)
            left join (
                select * from record_examples
                where source = $source and converter = $converter
                    and list_contains($ids::varchar[], record_id)
            ) e using (record_id)
            left join rulings u using (record_id)
            order by r.row_number, c.record_id
            """,
            source=source,
            converter=converter,
            ids=part["record_id"].to_list(),
            numbers=part["row_number"].to_list(),
            first=part["row_number"].min(),
            last=part["row_number"].max(),
        )
