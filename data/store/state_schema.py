"""The tables of state.db, and how DuckDB sees those that people may ask."""

from typing import Any

import polars as pl

from data.store.schema import TIME

SCHEMA = """
create table if not exists meta (key text primary key, value integer not null) strict;
insert or ignore into meta values ('generation', 0);

-- Every part ever seen. status: live | replaced (by a merged part) | trashed (with its run)
create table if not exists parts (
    path text primary key,
    table_name text not null,
    run text,
    stage text,
    rows integer not null,
    bytes integer not null,
    columns text not null,
    status text not null,
    changed_at integer not null
) strict;
create index if not exists parts_live on parts (status, table_name, run);

create table if not exists tag_events (
    id integer primary key,
    target_kind text not null,
    target_id text not null,
    tag text not null,
    event text not null check (event in ('added', 'removed')),
    author text not null,
    at integer not null
) strict;
create index if not exists tag_events_target on tag_events (target_kind, target_id, tag, id);

-- What people say of a row, against or for what the converter said. The newest event counts.
create table if not exists ruling_events (
    id integer primary key,
    record_id text not null,
    ruling text not null check (ruling in ('quarantined', 'released')),
    reason text not null,
    author text not null,
    at integer not null
) strict;
create index if not exists ruling_events_record on ruling_events (record_id, id);

-- What people say of a score. The newest event counts; 'as graded' takes the one before back.
create table if not exists override_events (
    id integer primary key,
    generation_id text not null,
    grader text not null,
    verdict text not null check (verdict in ('right', 'wrong', 'unknown', 'as graded')),
    reason text not null,
    author text not null,
    at integer not null
) strict;
create index if not exists override_events_of on override_events (generation_id, grader, id);

create table if not exists subsets (
    name text not null,
    version integer not null,
    filter text not null,
    ids text not null,
    n integer not null,
    hash text not null,
    parent text,
    author text,
    at integer not null,
    primary key (name, version)
) strict;

create table if not exists jobs (
    job text primary key,
    verb text not null,
    spec text not null,
    state text not null,
    run text,
    slot text,
    pid integer,
    exit_code integer,
    message text,
    created_at integer not null,
    started_at integer,
    ended_at integer
) strict;

create table if not exists saved_views (
    name text primary key,
    page text not null,
    query text not null,
    author text,
    at integer not null
) strict;
"""

# How DuckDB sees each: the statement, and the columns with their types. Times are stored as [us].
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "tags": (
        # SQLite gives the other columns of the row that holds max(id)
        """
        select target_kind, target_id, tag, author, at from (
            select target_kind, target_id, tag, author, at, event, max(id) from tag_events
            group by target_kind, target_id, tag
        ) where event = 'added' order by target_kind, target_id, tag
        """,
        {
            "target_kind": pl.String,
            "target_id": pl.String,
            "tag": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "tag_events": (
        "select id, target_kind, target_id, tag, event, author, at from tag_events order by id",
        {
            "id": pl.Int64,
            "target_kind": pl.String,
            "target_id": pl.String,
            "tag": pl.String,
            "event": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "rulings": (
        """
        select record_id, ruling, reason, author, at from (
            select record_id, ruling, reason, author, at, max(id) from ruling_events
            group by record_id
        ) order by record_id
        """,
        {
            "record_id": pl.String,
            "ruling": pl.String,
            "reason": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "overrides": (
        """
        select generation_id, grader, verdict, reason, author, at from (
            select generation_id, grader, verdict, reason, author, at, max(id)
            from override_events group by generation_id, grader
        ) where verdict <> 'as graded' order by generation_id, grader
        """,
        {
            "generation_id": pl.String,
            "grader": pl.String,
            "verdict": pl.String,
            "reason": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "override_events": (
        "select id, generation_id, grader, verdict, reason, author, at from override_events"
        " order by id",
        {
            "id": pl.Int64,
            "generation_id": pl.String,
            "grader": pl.String,
            "verdict": pl.String,
            "reason": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "ruling_events": (
        "select id, record_id, ruling, reason, author, at from ruling_events order by id",
        {
            "id": pl.Int64,
            "record_id": pl.String,
            "ruling": pl.String,
            "reason": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "subsets": (
        """
        select name, version, filter, ids, n, hash, parent, author, at
        from subsets order by name, version
        """,
        {
            "name": pl.String,
            "version": pl.Int64,
            "filter": pl.String,
            "ids": pl.List(pl.String),
            "n": pl.Int64,
            "hash": pl.String,
            "parent": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
    "jobs": (
        """
        select job, verb, spec, state, run, slot, pid, exit_code, message,
               created_at, started_at, ended_at
        from jobs order by created_at, job
        """,
        {
            "job": pl.String,
            "verb": pl.String,
            "spec": pl.String,
            "state": pl.String,
            "run": pl.String,
            "slot": pl.String,
            "pid": pl.Int64,
            "exit_code": pl.Int64,
            "message": pl.String,
            "created_at": TIME,
            "started_at": TIME,
            "ended_at": TIME,
        },
    ),
    "saved_views": (
        "select name, page, query, author, at from saved_views order by name",
        {
            "name": pl.String,
            "page": pl.String,
            "query": pl.String,
            "author": pl.String,
            "at": TIME,
        },
    ),
}
