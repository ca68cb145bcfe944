"""What `audit` reports about rows: those with a defect, and one before and after conversion."""

import json
from typing import Any

from data.audit import find, queries, rows as audit_rows
from data.errors import UserError
from data.store import Store


def rows_with_defect(store: Store, source: str, defect: str) -> dict[str, Any]:
    """The rows of `source` that have a defect, in file order."""
    converter = queries.newest(store, source)
    defects = queries.defects(store, source, converter)["phrase"].unique(maintain_order=True)
    if defect not in defects:
        raise UserError(
            f"no row of {source!r} has the defect {defect!r}; its defects:"
            f" {', '.join(defects) or 'none'}"
        )
    n = queries.outcomes(store, source, converter)["read"]
    rows = audit_rows.rows_with(store, source, converter, defect, 1, n).to_dicts()
    return {"source": source, "converter": converter, "defect": defect, "rows": rows}


def row_before_and_after(store: Store, record: str, defect: str | None) -> dict[str, Any]:
    """One row, and the ids of its neighbours; with `defect` among the rows with that defect."""
    row = find(store, record)
    record_id, converter = row["record_id"], queries.newest(store, row["source"])
    if audit_rows.neighbours(store, row["source"], converter, None, record_id)["place"] is None:
        raise UserError(
            f"record {record_id[:12]} is not converted by {converter}. Convert what is new:"
            f" thinkbench convert {row['source']}"
        )
    neighbours = audit_rows.neighbours(store, row["source"], converter, defect, record_id)
    if neighbours["place"] is None:
        raise UserError(f"record {record_id[:12]} has no defect {defect!r}")
    value = audit_rows.row(store, record_id, converter)
    value["body"] = json.loads(value["body"])
    value["ruled_at"] = value["ruled_at"] and value["ruled_at"].isoformat()
    return {"record_id": record_id, "converter": converter, **value, **neighbours}
