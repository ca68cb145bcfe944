"""A database that can read the registered parts of a store, and do nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from data.errors import UserError
from data.store import (
    Cursor,
    Store,
    in_order,
    make_view,
    names_in,
    new_database,
    part_files,
    tables_of,
    taken,
)
from data.store.database import database

SPILLED = "4GB"  # that a query may write to the folder for what memory cannot hold


@contextmanager
def locked_database(
    store: Store, statement: str, memory: str, spilled: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one `select`, with the tables and views that it names.

    It may open the files of these tables: no other file, no network, no extension. Its settings
    cannot be changed, and it sees no variable of this process.

    spilled: for what memory cannot hold; empty, as DuckDB lets a query read all that lies there
    """
    _require_one_select(statement)
    names = in_order(names_in(statement))
    with taken(store.folder, tables_of(statement)) as snapshot, new_database() as connection:
        cursor = Cursor(connection)
        for name in names:
            make_view(snapshot, cursor, name)
        for setting, value in {
            "memory_limit": memory,
            "max_temp_directory_size": SPILLED,
            "temp_directory": str(spilled),
            "python_enable_replacements": False,
            "allowed_paths": part_files(snapshot, names),
            "enable_external_access": False,  # also no extension and no attached database
            "lock_configuration": True,
        }.items():
            connection.execute(f"set {setting} = $value", {"value": value})
        yield connection


def _require_one_select(statement: str) -> None:
    with database().cursor() as parser:
        query = "select json_serialize_sql($statement::varchar)"
        [(tree,)] = parser.execute(query, {"statement": statement}).fetchall()
    parsed = json.loads(tree)
    if parsed["error"]:
        raise UserError(
            f"the query is no single select: {parsed['error_message']}. Expected one statement that"
            " reads: select, from, with, describe or summarize."
        )
    if len(parsed["statements"]) != 1:
        raise UserError(
            f"the query has {len(parsed['statements'])} statements. Expected one that reads."
        )
