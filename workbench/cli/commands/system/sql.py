"""`sql`: a query over the store that can only read."""

from pathlib import Path

import click

from workbench.cli import Answer, verb
from workbench.cli.output import tables


@verb
@click.argument("query", default="")
@click.option("--tables", "list_tables", is_flag=True, help="list what a query may name")
@click.option(
    "--limit",
    default=1_000,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="rows to return at most",
)
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.1, 3_600),
    help="after which the query is ended",
)
def sql(folder: Path, query: str, list_tables: bool, limit: int, seconds: float) -> Answer:
    """Answer one SQL query that only reads, over documented tables and views.

    QUERY is one select of DuckDB, as "select verdict, count(*) ...". It can open no file but those
    of the tables that it names, no network, and change nothing. docs/sql.md describes the tables.
    """
    from data.errors import UserError
    from data.sql import answer_query, columns_by_name
    from workbench.lookup import existing_store

    if list_tables:
        value = {"tables": [{"name": n, "columns": c} for n, c in columns_by_name().items()]}
        return value, tables.names_and_columns
    if not query.strip():
        raise UserError('there is no query; expected one, as thinkbench sql "from runs limit 5".')
    existing_store(folder)  # a query creates none
    return answer_query(folder, query, rows=limit, seconds=seconds), tables.answer
