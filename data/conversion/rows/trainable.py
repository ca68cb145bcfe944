"""Examples and problems that records give, as rows of their tables."""

import json
import re
from typing import Any

import polars as pl

from data.conversion.convert import convert
from data.conversion.dialects import BUNDLED, DialectTable
from data.conversion.rows.conversions import RECORD, TEXTS, example_columns
from data.store import TABLES, runs


def candidates(
    records: pl.DataFrame, rules: frozenset[str], table: DialectTable = BUNDLED
) -> pl.DataFrame:
    """Examples as the markers of `records` give them, whatever their defects: RECORD and TEXTS.

    A record whose markers do not delimit a reasoning and an answer is left out.
    """
    rows = []
    for record in records.select(RECORD).iter_rows(named=True):
        conversion = convert(
            json.loads(record["body"]), record["shape"], table, rules, record["split"]
        )
        if conversion.candidate:
            rows.append(record | example_columns(conversion.candidate, conversion.rewrites))
    columns = TABLES["records"] | TABLES["examples"]
    return pl.DataFrame(rows, schema={name: columns[name] for name in (*RECORD, *TEXTS)})


def examples(candidates: pl.DataFrame, version: str) -> pl.DataFrame:
    """`candidates` with the converter's version and the example_id that follows from it."""
    ids = [
        runs.fingerprint(record=record, converter=version)[:32]
        for record in candidates["record_id"]
    ]
    return candidates.with_columns(
        pl.Series("example_id", ids, dtype=pl.String), converter=pl.lit(version)
    )


def problems(examples: pl.DataFrame) -> pl.DataFrame:
    """The rows of `problems` that `examples` give: those of the shape gsm8k."""
    rows = [_problem(row) for row in examples.filter(shape="gsm8k").iter_rows(named=True)]
    schema = {name: kind for name, kind in TABLES["problems"].items() if name != "run"}
    return pl.DataFrame(rows, schema=schema)


def _problem(row: dict[str, Any]) -> dict[str, Any]:
    steps = str(json.loads(row["body"]).get("steps"))
    identity = runs.fingerprint(question=row["prompt"], gold=row["answer"])[:32]
    return {
        "problem_id": identity,
        **{name: row[name] for name in ("record_id", "source", "split")},
        "question": row["prompt"],
        "gold": row["answer"],
        # a count of steps that is no number of the column's type is left out
        "steps": int(steps) if re.fullmatch("[0-9]{1,9}", steps) else None,
    }
