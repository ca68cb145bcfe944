"""The audit of one conversion as files: Parquet and JSONL with every row, and a report to read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from data import audit, audit_report
from data.store import Store, ask

AT_A_TIME = 2_000  # rows in memory
PARQUET, JSONL, REPORT = "conversion.parquet", "conversion.jsonl", "report.html"


class FolderExists(ValueError):
    """The folder to write to is there already."""


def export(store: Store, source: str, folder: Path) -> dict[str, Any]:
    """Write the newest conversion of `source` to the new folder; what was written."""
    if folder.exists():
        raise FolderExists(f"{folder} exists already; name another folder or move it away")
    converter = audit.newest(store, source)
    beside = folder.with_name(f".{folder.name}.part")
    beside.mkdir(parents=True)
    rows = 0
    writer = None
    with (beside / JSONL).open("w", encoding="utf-8") as lines:
        for part in pages(store, source, converter):
            rows += part.height
            table = part.to_arrow()
            writer = writer or pq.ParquetWriter(beside / PARQUET, table.schema, compression="zstd")
            writer.write_table(table)
            for row in part.iter_rows(named=True):
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    if writer:
        writer.close()
    page = audit_report.page(store, source, converter)
    (beside / REPORT).write_text(page, encoding="utf-8")
    beside.replace(folder)
    files = [str(folder / name) for name in (PARQUET, JSONL, REPORT)]
    return {"source": source, "converter": converter, "rows": rows, "files": files}


def pages(store: Store, source: str, converter: str) -> Iterator[pl.DataFrame]:
    """Every row of a conversion beside what it was made from, AT_A_TIME of them, in file order."""
    ids = ask(
        store,
        """
        select c.record_id, min(r.row_number) as place
        from conversions c join records r using (record_id)
        where c.source = $source and c.converter = $converter
        group by c.record_id
        order by place, c.record_id
        """,
        source=source,
        converter=converter,
    )["record_id"]
    for start in range(0, len(ids), AT_A_TIME):
        yield ask(
            store,
            """
            select
                r.row_number, c.record_id, r.origin, r.split, r.shape, c.outcome, c.reason,
                c.dialect, c.pattern, c.defects, e.prompt, e.reasoning, e.answer,
                e.reasoning_start, e.reasoning_end, e.answer_start, e.answer_end, e.rewrites, r.body
            from conversions c
            join records r using (record_id)
            left join examples e on e.record_id = c.record_id and e.converter = c.converter
            where c.converter = $converter and c.record_id in (select unnest($ids))
            qualify row_number() over (partition by c.record_id order by c.run) = 1
            order by r.row_number, c.record_id
            """,
            converter=converter,
            ids=ids[start : start + AT_A_TIME].to_list(),
        )
