"""One query over the store that can only read, bounded in time, memory and rows.

It runs in a process of its own, which is killed at the deadline: a single function of DuckDB can
run for much longer than an interrupt is heeded, and take all memory.
"""

import math
import multiprocessing
from datetime import date, datetime, time
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from data.errors import UserError

SECONDS, ROWS = 30.0, 1_000  # limits where none is named
STARTING = 60.0  # [seconds] that the process may take to start, on a busy machine
MEMORY = "1GB"  # of the database; beyond it spills to the disk
PROCESS_BYTES = 3 * 2**30  # of writable memory that the process may have


def answer_query(
    folder: Path, statement: str, *, rows: int = ROWS, seconds: float = SECONDS
) -> dict[str, Any]:
    """columns, types, rows (at most so many), truncated (there are more); UserError if refused."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, folder, statement, rows), daemon=True)
    process.start()
    sender.close()
    try:
        if not (receiver.poll(STARTING) and receiver.recv() == "started"):
            raise UserError(
                f"the process of the query did not start within {STARTING:g} seconds; expected a"
                " machine with time for it. Run the command again."
            )
        if not receiver.poll(seconds):
            raise UserError(
                f"the query took longer than {seconds:g} seconds. Narrow it, for example to one"
                " run, or allow more: --seconds N"
            )
        status, value = receiver.recv()
    except EOFError as error:  # the process was killed
        raise UserError(
            "the process of the query ended without an answer, probably for its memory; expected"
            " at most 3 GB. Select fewer columns or rows, or aggregate."
        ) from error
    finally:
        process.kill()
        process.join()
        receiver.close()
    if status == "refused":
        raise UserError(value)
    return value


def _answer(sender: Connection, folder: Path, statement: str, rows: int) -> None:
    import resource

    import duckdb
    import polars as pl

    from data.sql.locked_database import locked_database
    from data.store import StoreError, open_store

    store = open_store(folder)
    resource.setrlimit(resource.RLIMIT_DATA, (PROCESS_BYTES, PROCESS_BYTES))
    sender.send("started")
    try:
        with locked_database(store, statement, MEMORY) as connection:
            # a line break ends a comment; one row more says whether there are more
            query = f"from (\n{statement.strip().rstrip(';')}\n) limit {rows + 1}"
            relation = connection.sql(query)
            columns, types = relation.columns, [str(kind) for kind in relation.types]
            listed = relation.pl().rows()
        answer = {
            "columns": columns,
            "types": types,
            "rows": [[_json(cell) for cell in row] for row in listed[:rows]],
            "truncated": len(listed) > rows,
        }
        sender.send(("answered", answer))
    except (duckdb.Error, StoreError, UserError, MemoryError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip() or type(error).__name__
        sender.send(("refused", f"{reason} What a query may name: thinkbench sql --tables"))


def _json(value: Any) -> Any:
    """A cell as JSON has it; a number that JSON lacks is null."""
    if isinstance(value, dict):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
