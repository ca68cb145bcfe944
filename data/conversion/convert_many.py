"""Conversion of many rows at a time: plain ones by columns, every other one by `convert`."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from data.conversion.convert import Conversion, Example, convert
from data.conversion.plain import PLAIN, plain
from data.conversion.prompts import Rewrite
from data.sources import row_shapes

CONVERTED: dict[str, Any] = {
    "place": pl.Int64,
    "outcome": pl.String,
    "reason": pl.String,
    "dialect": pl.String,
    "pattern": pl.String,
    **{name: kind for name, kind in PLAIN.items() if name not in ("place", "dialect", "pattern")},
}


def convert_many(
    shape: str, rows: Sequence[dict[str, Any]], rules: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """What `convert` says of each of `rows`, in their order: the columns CONVERTED.

    place: where in `rows` the row stands. Texts, spans and rewrites are null without an example.
    """
    # GSM8K has a form of its own, without markers
    said = [] if shape == "gsm8k" else [turns_of(shape, row) for row in rows]
    found = plain(said, rules)
    known = set(found["place"])
    others = [
        as_row(place, convert(shape, row, rules))
        for place, row in enumerate(rows)
        if place not in known
    ]
    usual = found.with_columns(
        outcome=pl.lit("example"),
        reason=pl.lit(None, pl.String),
    ).select(*CONVERTED)
    return pl.concat([usual, pl.DataFrame(others, schema=CONVERTED)]).sort("place")


def turns_of(shape: str, row: dict[str, Any]) -> row_shapes.Turns | None:
    try:
        return row_shapes.turns(shape, row)
    except row_shapes.WrongShape:
        return None


def as_row(place: int, made: Conversion) -> dict[str, Any]:
    """The values of CONVERTED."""
    return {
        "place": place,
        "outcome": made.outcome,
        "reason": made.reason,
        "dialect": made.dialect,
        "pattern": made.pattern,
        "defects": [vars(defect) for defect in made.defects],
        **(as_columns(made.example, made.rewrites) if made.example else {}),
    }


def as_columns(example: Example, rewrites: Iterable[Rewrite]) -> dict[str, Any]:
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
