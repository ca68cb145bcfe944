"""Parts of the Lineage page: what is known of a step, and failures near a record or a defect."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from data.lineage import readable
from workbench.app import state
from workbench.app.components import plain
from workbench.app.components.table import table
from workbench.app.views.lineage.chain import Line

QUESTION = 2_000  # characters


def details(found: Sequence[Line]) -> None:
    """All that is known of each step, in folds."""
    st.subheader("Details")
    with st.container(gap="xxsmall"):
        for place, line in enumerate(found):
            if line.facts:
                known = state.folded(f"{place + 1}  {line.kind}", f"step{place}")
                if known.open:
                    table(_facts(line.facts), into=known, most=30)


def _facts(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each fact, and for each part of one that has parts."""
    rows = []
    for name, fact in facts.items():
        parts = fact.items() if isinstance(fact, dict) and fact else [("", fact)]
        for part, value in parts:
            what = f"{name} {part}".replace("_", " ").strip()
            rows.append({"what": what, "value": readable(value)})
    return rows


def failures(near: dict[str, Any]) -> None:
    """Whether problems near it fail more often than the others do, and which those are."""
    st.subheader("Failures nearby")
    if near["near"]["value"] is not None:
        shares = (("Failed, of the problems near it", near["near"]),
                  ("Failed, of all others: the base rate", near["others"]))  # fmt: skip
        columns = st.columns(3)
        for column, (label, share) in zip(columns, shares, strict=False):
            _share(column, label, share)
        _difference(columns[2], near["difference"])
    st.text(plain(near["says"]))
    if near["problems"]:
        rows = pl.DataFrame(near["problems"]).select(
            "similarity", "failed", pl.col("question").str.slice(0, QUESTION), "problem_id"
        )
        table(rows, look={"failed": st.column_config.NumberColumn(format="percent")})


def _share(column: Any, label: str, share: dict[str, Any]) -> None:
    if share["value"] is None:
        column.metric(label, "unknown")
        return
    column.metric(label, f"{share['value']:.1%}")
    column.caption(f"{100 * share['low']:.1f} to {100 * share['high']:.1f}, n = {share['n']:,}")


def _difference(column: Any, found: dict[str, Any]) -> None:
    if found["difference"] is None:
        column.metric("Difference", "unknown")
        return
    column.metric("Difference, an association", f"{100 * found['difference']:+.1f} points")
    if found["low"] is not None:
        column.caption(f"{100 * found['low']:+.1f} to {100 * found['high']:+.1f}")
