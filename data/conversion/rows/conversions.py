"""Records converted to rows: what each of them gave, and the texts of its example."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.conversion import Conversion, Example, Rewrite
from data.conversion.convert import convert
from data.conversion.dialects import BUNDLED, DialectTable
from data.store import TABLES

RECORD = ("record_id", "source", "shape", "split", "body")
RESULT = ("outcome", "reason", "dialect", "pattern", "defects")
TEXTS = (
    "prompt", "reasoning", "answer", "reasoning_start", "reasoning_end", "answer_start",
    "answer_end", "rewrites",
)  # fmt: skip
CONVERTED = {name: (TABLES["conversions"] | TABLES["examples"])[name] for name in (*RESULT, *TEXTS)}


@dataclass(frozen=True)
class Part:
    """Records of one part of the store that is to be written.

    start: how many records of the source come before it
    records: the columns RECORD, in the order of the ids
    """

    start: int
    records: pl.DataFrame


def convert_records(part: Part, rules: frozenset[str], table: DialectTable) -> pl.DataFrame:
    """`convert` of each record of `part`, in order: the columns CONVERTED."""
    rows = part.records.select("shape", "body", "split").iter_rows()
    return _frame(
        convert(json.loads(body), shape, table, rules, split) for shape, body, split in rows
    )


def convert_rows(
    rows: Sequence[dict[str, Any]],
    shape: str,
    table: DialectTable = BUNDLED,
    rules: frozenset[str] = frozenset(),
) -> pl.DataFrame:
    """`convert` of each of `rows`, in order: the columns CONVERTED.

    Texts, spans and rewrites are null where the row is no example.
    """
    return _frame(convert(row, shape, table, rules) for row in rows)


def _frame(conversions: Iterable[Conversion]) -> pl.DataFrame:
    return pl.DataFrame([_columns_of(conversion) for conversion in conversions], schema=CONVERTED)


def _columns_of(conversion: Conversion) -> dict[str, Any]:
    example = conversion.example
    return {
        "outcome": conversion.outcome,
        "reason": conversion.reason,
        "dialect": conversion.dialect,
        "pattern": conversion.pattern,
        "defects": [vars(defect) for defect in conversion.defects],
        **(example_columns(example, conversion.rewrites) if example else {}),
    }


def example_columns(example: Example, rewrites: Iterable[Rewrite]) -> dict[str, Any]:
    """An example as the table `examples` has it, without its ids."""
    return {
        "prompt": example.prompt,
        "reasoning": example.reasoning.text,
        "answer": example.answer.text,
        "reasoning_start": example.reasoning.start,
        "reasoning_end": example.reasoning.end,
        "answer_start": example.answer.start,
        "answer_end": example.answer.end,
        "rewrites": [vars(rewrite) for rewrite in rewrites],
    }
