"""What a query of users may name: each table and view, and the columns of tables."""

from data.store import TABLES, VIEWS, sql_type
from data.store.state_db import ANNOTATIONS, columns_of

RENAMED = {"runs": "run_events", "rollouts": "sampled_rollouts"}  # the plain names are views


def columns_by_name() -> dict[str, dict[str, str]]:
    """Name -> column -> type, of stored tables and of what people wrote; of views no columns."""
    stored = {
        RENAMED.get(table, table): {name: sql_type(kind) for name, kind in columns.items()}
        for table, columns in TABLES.items()
    }
    written = {
        name: {column: sql_type(kind) for column, kind in columns_of(name).items()}
        for name in ANNOTATIONS
    }
    return stored | written | {name: {} for name in VIEWS}
