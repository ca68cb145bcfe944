"""Rulings of people on records: to quarantine one, or to release one that was quarantined.

A ruling is an event with an author and a reason. The newest counts, and the history stays. What
the converter quarantines by itself is decided in data/conversion/convert.py.
"""

import json
from typing import Any

import polars as pl

from data.audit.queries import newest
from data.conversion import RULES, VERSION, converter_version
from data.conversion.convert import convert
from data.conversion.dialects import dialect_table
from data.conversion.rows import candidates, examples, problems
from data.errors import UserError
from data.store import TABLES, Store, add, annotations, ask, runs

CONVERTED = "select 1 from record_conversions where record_id = $record and converter = $version"
SHORTEST = 4  # the shortest beginning of an id that is accepted [characters]


class NoSuchRecord(UserError):
    """No record, or more than one, has this id."""


class NothingToRelease(UserError):
    """The record has no reasoning and answer to train on."""


def quarantine(store: Store, record: str, reason: str, author: str) -> dict[str, Any]:
    """Quarantine a record: no training reads it, under any converter. The ruling as a dict."""
    row = find(store, record)
    annotations.rule(store, row["record_id"], "quarantined", reason, author)
    return _ruling(row, "quarantined", reason, author)


def release(store: Store, record: str, reason: str, author: str) -> dict[str, Any]:
    """Release a record: it counts as an example of the newest conversion again.

    If the converter quarantined it, the example is made from its markers, provided that they
    delimit a reasoning and an answer.
    """
    row = find(store, record)
    version = newest(store, row["source"])
    key = {"record": row["record_id"], "version": version}
    if ask(store, CONVERTED, **key).is_empty():
        raise NothingToRelease(
            f"record {row['record_id']} is not converted yet. Convert what is new:"
            f" thinkbench convert {row['source']}"
        )
    has_one = ask(
        store,
        "select 1 from record_examples where record_id = $record and converter = $version",
        **key,
    ).height
    if not has_one:
        _add_candidate(store, row, version, reason, author)
    annotations.rule(store, row["record_id"], "released", reason, author)
    return _ruling(row, "released", reason, author)


def find(store: Store, record: str) -> dict[str, Any]:
    """The columns of the record whose id is, or begins with, `record`."""
    matches = ask(
        store,
        """
        select * exclude (run) from source_records
        where starts_with(record_id, $record)
        limit 2
        """,
        record=record,
    )
    if len(record) < SHORTEST or matches.height != 1:
        raise NoSuchRecord(
            f"{matches.height or 'no'} records have an id that begins with {record!r}; expected"
            f" one, and {SHORTEST} characters or more. `thinkbench audit SOURCE --defect PHRASE`"
            " lists ids."
            if matches.height < 2
            else f"more than one record has an id that begins with {record!r}; give more of it."
        )
    return matches.row(0, named=True)


def _add_candidate(
    store: Store, record: dict[str, Any], version: str, reason: str, author: str
) -> None:
    rules = frozenset(set(version.split("+")) & RULES.keys())
    table = dialect_table(_dialects_of(store, record["record_id"], version), version)
    if converter_version(rules, table) != version:
        raise NothingToRelease(
            f"record {record['record_id']} was converted by {version}, and this thinkbench"
            f" converts by {VERSION}. Convert again first: thinkbench convert"
            f" {record['source']}"
        )
    example = examples(candidates(pl.DataFrame([record]), rules, table), version)
    why = convert(json.loads(record["body"]), record["shape"], table, rules, record["split"]).reason
    if example.is_empty():
        raise NothingToRelease(
            f"record {record['record_id']} has {why!r}: its markers give no reasoning and"
            f" answer to train on. A rule may repair it: thinkbench convert {record['source']}"
            f" --rule {'|'.join(RULES)}"
        )
    identity = example["example_id"].item()
    run = f"release-{identity[:12]}"
    config = {"record": record["record_id"], "reason": reason, "author": author}
    try:
        runs.begin(store, "release", run=run, config=config, seed=None, inputs={})
    except runs.RunExists:  # another process released it at the same moment
        return
    with runs.failures_recorded(store, run):
        for name, rows in (("problems", problems(example)), ("examples", example)):
            columns = [column for column in TABLES[name] if column != "run"]
            add(store, name, rows.select(columns), run=run, once=identity)
    runs.end(store, run, "done", {"examples": 1})


def _dialects_of(store: Store, record_id: str, version: str) -> dict[str, Any]:
    """The user's own dialects that the record was converted with."""
    configs = ask(
        store,
        """
        select runs.config from record_conversions join runs using (run)
        where record_id = $record and converter = $version
        """,
        record=record_id,
        version=version,
    )["config"]
    return json.loads(configs[0]).get("dialects", {}) if len(configs) else {}


def _ruling(record: dict[str, Any], ruling: str, reason: str, author: str) -> dict[str, Any]:
    columns = {name: record[name] for name in ("record_id", "source", "origin", "row_number")}
    return {**columns, "ruling": ruling, "reason": reason, "author": author}
