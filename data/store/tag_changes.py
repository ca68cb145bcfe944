"""What people have said in tags since a moment: a few rows, where all tags may be a million."""

import polars as pl

from data.store import state_db
from data.store.store import Store


def changes(store: Store, kind: str, after: int) -> tuple[pl.DataFrame, int]:
    """target_id, tag, event (added or removed): the last of each after the number `after`; and
    the number of the newest of all.

    after: a number that this gave before, or 0 for all
    """
    with state_db.connect(store.folder) as connection:
        connection.execute("begin")  # one moment for both
        newest = connection.execute("select coalesce(max(id), 0) from tag_events").fetchone()[0]
        rows = connection.execute(
            # SQLite gives the other columns of the row that holds max(id)
            """
            select target_id, tag, event from (
                select target_id, tag, event, max(id) from tag_events
                where target_kind = ? and id > ?
                group by target_id, tag
            )
            """,
            (kind, after),
        ).fetchall()
    columns = {"target_id": pl.String, "tag": pl.String, "event": pl.String}
    return pl.DataFrame(rows, schema=columns, orient="row"), newest
