"""Rows of `examples` and `problems`: of what converted, and of what a person lets through."""

import json
from typing import Any

import polars as pl

from data.conversion.convert import Conversion, convert
from data.conversion.convert_many import CONVERTED, as_columns
from data.store import TABLES, runs

OF_RECORDS = ("record_id", "source", "shape", "split", "body")
TEXTS = tuple(name for name in TABLES["examples"] if name in CONVERTED)
COLUMNS = (*OF_RECORDS, *TEXTS)


def example_id(record_id: str, version: str) -> str:
    """The hash of what an example is made of, and by what."""
    return runs.fingerprint(record=record_id, converter=version)[:32]


def examples(found: pl.DataFrame, version: str) -> pl.DataFrame:
    """`found`, of COLUMNS, as the converter `version` made them: with converter and example_id."""
    ids = [example_id(record, version) for record in found["record_id"]]
    named = pl.Series("example_id", ids, dtype=pl.String)
    return found.with_columns(named, converter=pl.lit(version))


def problems(made: pl.DataFrame) -> pl.DataFrame:
    """The questions that `made`, of `examples`, hold: those of the shape gsm8k."""
    rows = [_problem(row) for row in made.filter(shape="gsm8k").iter_rows(named=True)]
    schema = {name: kind for name, kind in TABLES["problems"].items() if name != "run"}
    return pl.DataFrame(rows, schema=schema)


def candidates(records: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """What the markers of `records` say, whatever is wrong with them: COLUMNS.

    A record whose markers say too little is left out.
    """
    made = [(row, _converted(row, rules)) for row in records.iter_rows(named=True)]
    rows = [
        {name: row[name] for name in OF_RECORDS} | as_columns(one.candidate, one.rewrites)
        for row, one in made
        if one.candidate
    ]
    texts = {name: TABLES["records"][name] for name in OF_RECORDS}
    return pl.DataFrame(rows, schema=texts | {name: TABLES["examples"][name] for name in TEXTS})


def _converted(record: dict[str, Any], rules: frozenset[str]) -> Conversion:
    return convert(record["shape"], json.loads(record["body"]), rules)


def _problem(row: dict[str, Any]) -> dict[str, Any]:
    steps = json.loads(row["body"]).get("steps")
    identity = runs.fingerprint(question=row["prompt"], gold=row["answer"])[:32]
    return {
        "problem_id": identity,
        **{name: row[name] for name in ("record_id", "source", "split")},
        "question": row["prompt"],
        "gold": row["answer"],
        "steps": int(steps) if steps is not None and str(steps).isdigit() else None,
    }
