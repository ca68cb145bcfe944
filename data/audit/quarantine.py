"""What people say against the converter: a row held back from training, or let through after all.

A ruling is an event with an author and a reason; the newest counts, and the history stays.
"""

import json
from typing import Any

import polars as pl

from data.audit.queries import newest
from data.conversion import (
    RULES,
    VERSION,
    candidates,
    converter_version,
    dialect_table,
    examples,
    problems,
)
from data.conversion.convert import convert
from data.errors import UserError
from data.store import TABLES, Store, add, annotations, ask, runs

CONVERTED = "select 1 from conversions where record_id = $record and converter = $version limit 1"
SHORTEST = 4  # characters of an id that may stand for it


class NoSuchRecord(UserError):
    """No record, or more than one, has this id."""


class NothingToRelease(UserError):
    """The row has no reasoning and answer that could be trained on."""


def quarantine(store: Store, record: str, reason: str, author: str) -> dict[str, Any]:
    """Hold the row back: no training reads it, under whichever converter. The ruling as a dict."""
    found = find(store, record)
    annotations.rule(store, found["record_id"], "quarantined", reason, author)
    return _said(found, "quarantined", reason, author)


def release(store: Store, record: str, reason: str, author: str) -> dict[str, Any]:
    """Let the row through: what its markers say becomes an example of the newest conversion.

    What a person had quarantined is an example again; what the converter did becomes one, as far
    as it has a reasoning and an answer.
    """
    found = find(store, record)
    version = newest(store, found["source"])
    asked = {"record": found["record_id"], "version": version}
    if ask(store, CONVERTED, **asked).is_empty():
        raise NothingToRelease(
            f"record {found['record_id']} is not converted yet. Convert what is new:"
            f" thinkbench convert {found['source']}"
        )
    has_one = ask(
        store,
        "select 1 from examples where record_id = $record and converter = $version limit 1",
        **asked,
    ).height
    if not has_one:
        _add_candidate(store, found, version, reason, author)
    annotations.rule(store, found["record_id"], "released", reason, author)
    return _said(found, "released", reason, author)


def find(store: Store, record: str) -> dict[str, Any]:
    """The record whose id is, or begins with, `record`: its columns."""
    found = ask(
        store,
        """
        select * exclude (run) from records
        where starts_with(record_id, $record)
        qualify row_number() over (partition by record_id order by run) = 1
        limit 2
        """,
        record=record,
    )
    if len(record) < SHORTEST or found.height != 1:
        raise NoSuchRecord(
            f"{found.height or 'no'} records have an id that begins with {record!r}; expected one,"
            f" and {SHORTEST} characters or more. `thinkbench audit SOURCE --defect PHRASE` lists"
            " ids."
            if found.height < 2
            else f"more than one record has an id that begins with {record!r}; give more of it."
        )
    return found.row(0, named=True)


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
    found = examples(candidates(pl.DataFrame([record]), rules, table), version)
    why = convert(json.loads(record["body"]), record["shape"], table, rules).reason
    if found.is_empty():
        raise NothingToRelease(
            f"record {record['record_id']} has {why!r}: its markers give no reasoning and"
            f" answer to train on. A rule may repair it: thinkbench convert {record['source']}"
            f" --rule {'|'.join(RULES)}"
        )
    identity = found["example_id"].item()
    run = f"release-{identity[:12]}"
    said = {"record": record["record_id"], "reason": reason, "author": author}
    try:
        runs.begin(store, "release", run=run, config=said, seed=None, inputs={})
    except runs.RunExists:  # released before, by someone else at this moment
        return
    with runs.failures_recorded(store, run):
        for table, rows in (("problems", problems(found)), ("examples", found)):
            columns = [name for name in TABLES[table] if name != "run"]
            add(store, table, rows.select(columns), run=run, once=identity)
    runs.end(store, run, "done", {"examples": 1})


def _dialects_of(store: Store, record_id: str, version: str) -> dict[str, Any]:
    """The person's own dialects that the record was converted with."""
    configs = ask(
        store,
        """
        select runs.config from conversions join runs using (run)
        where record_id = $record and converter = $version limit 1
        """,
        record=record_id,
        version=version,
    )["config"]
    return json.loads(configs[0]).get("dialects", {}) if len(configs) else {}


def _said(record: dict[str, Any], ruling: str, reason: str, author: str) -> dict[str, Any]:
    place = {name: record[name] for name in ("record_id", "source", "origin", "row_number")}
    return {**place, "ruling": ruling, "reason": reason, "author": author}
