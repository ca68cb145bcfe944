"""The tables of state.db.

One specification of each table: SQLite's statements and the types in questions are made from it.
Times are stored as microseconds since 1970, lists as JSON.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.store import TIME


@dataclass(frozen=True)
class StateTable:
    """A table of state.db.

    columns:  name -> type; `id` numbers the rows as they are added
    optional: those that may be null; no other may
    values:   column -> the only values that it may have
    key:      the columns of the primary key
    index:    columns that rows are looked up by
    order:    of the rows in a question
    """

    columns: Mapping[str, Any]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    index: tuple[str, ...] = ()
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Latest:
    """A view: the newest event of each thing that events are about.

    events:  their table   of: the columns that say what an event is about
    but_for: a column, and its value in events that take the one before back
    without: columns that the view leaves out
    """

    events: str
    of: tuple[str, ...]
    but_for: tuple[str, str] | None = None
    without: tuple[str, ...] = ("id",)


def _text(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, pl.String)


STATE_TABLES = {
    "meta": StateTable({"key": pl.String, "value": pl.Int64}, key=("key",)),
    # The parts that were seen. status: live | replaced (by a merged part) | swept (replaced, and
    # its file deleted) | leaving (its run is being moved to the trash) | missing (its file is gone,
    # and the store goes on without its rows). A file that lies again where a part is missing is a
    # new part. Stores of older versions also have `trashed`, which counts as missing.
    "parts": StateTable(
        _text("path", "table_name", "run", "stage")
        | {"rows": pl.Int64, "bytes": pl.Int64}
        | _text("columns", "status")
        | {"changed_at": TIME},
        key=("path",),
        optional=("run", "stage"),
        index=("status", "table_name", "run"),
    ),
    "tag_events": StateTable(
        {"id": pl.Int64} | _text("target_kind", "target_id", "tag", "event", "author")
        | {"at": TIME},
        key=("id",),
        values={"event": ("added", "removed")},
        index=("target_kind", "target_id", "tag", "id"),
        order=("id",),
    ),
    # Records that a person quarantined or released, whatever the converter decided.
    "ruling_events": StateTable(
        {"id": pl.Int64} | _text("record_id", "ruling", "reason", "author") | {"at": TIME},
        key=("id",),
        values={"ruling": ("quarantined", "released")},
        index=("record_id", "id"),
        order=("id",),
    ),
    # What people decided about a score.
    "override_events": StateTable(
        {"id": pl.Int64} | _text("generation_id", "grader", "verdict", "reason", "author")
        | {"at": TIME},
        key=("id",),
        values={"verdict": ("right", "wrong", "unknown", "as graded")},
        index=("generation_id", "grader", "id"),
        order=("id",),
    ),
    # What people said about a generation whose verdicts they did not see. They change no score.
    "label_events": StateTable(
        {"id": pl.Int64} | _text("generation_id", "verdict", "sample", "author") | {"at": TIME},
        key=("id",),
        values={"verdict": ("right", "wrong", "unsure", "withdrawn")},
        index=("generation_id", "author", "id"),
        order=("id",),
    ),
    # Versions of judges. `text` is the TOML file; `version` the hash of what decides a verdict.
    "rubric_events": StateTable(
        {"id": pl.Int64} | _text("name", "version", "text", "author") | {"at": TIME},
        key=("id",),
        index=("name", "id"),
        order=("id",),
    ),
    # The name and the notes that people gave a run; both may be empty.
    "run_note_events": StateTable(
        {"id": pl.Int64} | _text("run", "name", "notes", "author") | {"at": TIME},
        key=("id",),
        index=("run", "id"),
        order=("id",),
    ),
    "subsets": StateTable(
        {"name": pl.String, "version": pl.Int64, "filter": pl.String, "ids": pl.List(pl.String),
         "n": pl.Int64} | _text("hash", "parent", "author") | {"at": TIME},
        key=("name", "version"),
        optional=("parent", "author"),
        order=("name", "version"),
    ),
    "jobs": StateTable(
        _text("job", "verb", "spec", "state", "run", "slot")
        | {"pid": pl.Int64, "exit_code": pl.Int64, "message": pl.String}
        | dict.fromkeys(("created_at", "started_at", "ended_at"), TIME),
        key=("job",),
        optional=("run", "slot", "pid", "exit_code", "message", "started_at", "ended_at"),
        order=("created_at", "job"),
    ),
    "saved_views": StateTable(
        _text("name", "page", "query", "author") | {"at": TIME},
        key=("name",),
        optional=("author",),
        order=("name",),
    ),
}  # fmt: skip
LATEST = {
    "tags": Latest("tag_events", ("target_kind", "target_id", "tag"), ("event", "removed"),
                   without=("id", "event")),
    "rulings": Latest("ruling_events", ("record_id",)),
    "overrides": Latest("override_events", ("generation_id", "grader"), ("verdict", "as graded")),
    "labels": Latest("label_events", ("generation_id", "author"), ("verdict", "withdrawn")),
    "rubrics": Latest("rubric_events", ("name",)),
    "run_notes": Latest("run_note_events", ("run",)),
}  # fmt: skip
# of older stores too: the name stays what it was
INDEXES = {
    "parts": "parts_live",
    "tag_events": "tag_events_target",
    "ruling_events": "ruling_events_record",
    "override_events": "override_events_of",
    "label_events": "label_events_of",
    "rubric_events": "rubric_events_of",
    "run_note_events": "run_note_events_of",
}
# what a question may name: all but how the store keeps its parts
ANNOTATIONS = (*LATEST, *(name for name in STATE_TABLES if name not in ("meta", "parts")))


def columns_of(name: str) -> dict[str, Any]:
    """Column -> type, of a table or view of ANNOTATIONS."""
    if name not in LATEST:
        return dict(STATE_TABLES[name].columns)
    events = STATE_TABLES[LATEST[name].events]
    return {c: dtype for c, dtype in events.columns.items() if c not in LATEST[name].without}


def _select(name: str) -> str:
    columns = ", ".join(columns_of(name))
    if name not in LATEST:
        return f"select {columns} from {name} order by {', '.join(STATE_TABLES[name].order)}"
    latest, of = LATEST[name], ", ".join(LATEST[name].of)
    selected = ", ".join(c for c in STATE_TABLES[latest.events].columns if c != "id")
    column, value = latest.but_for or ("''", "none")
    return f"""
        select {columns} from (
            -- SQLite gives the other columns of the row that holds max(id)
            select {selected}, max(id) from {latest.events} group by {of}
        ) where {column} <> '{value}' order by {of}
    """


def _stored_as(dtype: Any) -> Any:
    return pl.Int64 if dtype == TIME else pl.String if isinstance(dtype, pl.List) else dtype


def _definition(name: str, table: StateTable) -> str:
    lines = []
    for column, dtype in table.columns.items():
        line = f"{column} {'integer' if _stored_as(dtype) == pl.Int64 else 'text'}"
        if table.key == (column,):
            line += " primary key"
        elif column not in table.optional:
            line += " not null"
        if column in table.values:
            line += f" check ({column} in {table.values[column]})"
        lines.append(line)
    if len(table.key) > 1:
        lines.append(f"primary key ({', '.join(table.key)})")
    return f"create table if not exists {name} ({', '.join(lines)}) strict"


def definitions() -> dict[str, str]:
    """Table or index -> the statement that makes it where it is missing."""
    statements = {name: _definition(name, table) for name, table in STATE_TABLES.items()}
    for name, index in INDEXES.items():
        columns = ", ".join(STATE_TABLES[name].index)
        statements[index] = f"create index if not exists {index} on {name} ({columns})"
    # a sweep looks at what has come of age, not at all that was ever swept
    statements["parts_by_age"] = (
        "create index if not exists parts_by_age on parts (status, changed_at)"
    )
    return statements


def frame(connection: sqlite3.Connection, name: str) -> pl.DataFrame:
    """The rows of one of ANNOTATIONS with the types of its columns, also where there are none."""
    columns = columns_of(name)
    stored = {column: _stored_as(dtype) for column, dtype in columns.items()}
    rows = pl.DataFrame(connection.execute(_select(name)).fetchall(), schema=stored, orient="row")
    return rows.with_columns(
        pl.col(column).cast(TIME) if dtype == TIME else pl.col(column).str.json_decode(dtype)
        for column, dtype in columns.items()
        if dtype != stored[column]
    )
