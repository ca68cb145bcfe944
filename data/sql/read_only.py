"""One query over the store that can only read, bounded in time, memory and rows.

It runs in a process of its own, which is killed at the deadline: a single function of DuckDB can
run for much longer than an interrupt is heeded, and take all memory.
"""

import math
import multiprocessing
import re
import tempfile
from datetime import time
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError

if TYPE_CHECKING:
    import duckdb

SECONDS, ROWS = 30.0, 1_000  # limits where none is named
STARTING = 60.0  # [seconds] that the process may take to start, on a busy machine
MEMORY = "1GB"  # of the database; beyond it spills to the disk
PROCESS_BYTES = 3 * 2**30  # of writable memory that the process may have
# types with values that Python lacks, as infinity and the year 20000: they are read as text
WIDER = re.compile(r"\b(?:TIMESTAMP(?: WITH TIME ZONE|_\w+)?|DATE|TIME WITH TIME ZONE|INTERVAL)\b")


def answer_query(
    folder: Path, statement: str, *, rows: int = ROWS, seconds: float = SECONDS
) -> dict[str, Any]:
    """columns, types, rows (at most so many), truncated (there are more); UserError if refused."""
    # this process outlives the one of the query, which may be killed, and removes the folder
    with tempfile.TemporaryDirectory(prefix="thinkbench-sql-") as spilled:
        return _answer_of_process(folder, statement, rows, seconds, Path(spilled))


def _answer_of_process(
    folder: Path, statement: str, rows: int, seconds: float, spilled: Path
) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    arguments = (sender, folder, statement, rows, MEMORY, spilled)
    process = context.Process(target=_answer, args=arguments, daemon=True)
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


def _answer(
    sender: Connection, folder: Path, statement: str, rows: int, memory: str, spilled: Path
) -> None:
    import resource

    import duckdb

    from data.sql.locked_database import locked_database
    from data.store import open_store
    from data.store.files import StoreError

    store = open_store(folder)
    resource.setrlimit(resource.RLIMIT_DATA, (PROCESS_BYTES, PROCESS_BYTES))
    sender.send("started")
    try:
        with locked_database(store, statement, memory, spilled) as connection:
            # a line break ends a comment; one row more says whether there are more
            query = f"from (\n{_without_end(statement)}\n) limit {rows + 1}"
            relation = connection.sql(query)
            columns, types = relation.columns, [str(kind) for kind in relation.types]
            listed = _with_text(relation).fetchall()
        answer = {
            "columns": columns,
            "types": types,
            "rows": [[_json(cell) for cell in row] for row in listed[:rows]],
            "truncated": len(listed) > rows,
        }
        sender.send(("answered", answer))
    except (duckdb.Error, StoreError, UserError, MemoryError) as error:
        reason = str(error).strip() or type(error).__name__
        sender.send(("refused", f"{reason} What a query may name: thinkbench sql --tables"))


def _without_end(statement: str) -> str:
    """The statement without the semicolons and comments after it."""
    import duckdb

    content, end = statement.encode(), None
    for start, kind in reversed(duckdb.tokenize(statement)):
        if kind != duckdb.token_type.comment and content[start:end].strip() != b";":
            break
        end = start
    return content[:end].decode()


def _with_text(relation: "duckdb.DuckDBPyRelation") -> "duckdb.DuckDBPyRelation":
    """`relation` with its WIDER values as text, also those in lists and structures."""
    import duckdb

    columns = []
    for name, kind in zip(relation.columns, map(str, relation.types), strict=True):
        column = duckdb.ColumnExpression(name)
        text = WIDER.sub("VARCHAR", kind)
        columns.append(column if text == kind else column.cast(duckdb.type(text)).alias(name))
    return relation.select(*columns)


def _json(value: Any) -> Any:
    """A cell as JSON has it; a number that JSON lacks is null."""
    if isinstance(value, dict):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
