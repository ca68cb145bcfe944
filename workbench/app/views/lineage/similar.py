"""Parts of the Lineage page: details of each step, and failures on similar problems."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from data.lineage import readable
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.views.lineage.chain import Line

QUESTION = 2_000  # characters


def details(chain: Sequence[Line]) -> None:
    """All facts about each step, in folds."""
    st.header("Details")
    with st.container(gap="xxsmall"):
        for nth, line in enumerate(chain):
            if line.facts:
                fold = choices.fold(f"{nth + 1}  {line.kind}", f"step{nth}")
                if fold.open:
                    table(_facts(line.facts), into=fold, most=30)


def _facts(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each fact; a fact with several parts has a row for each part."""
    rows = []
    for name, fact in facts.items():
        parts = fact.items() if isinstance(fact, dict) and fact else [("", fact)]
        for part, value in parts:
            what = f"{name} {part}".replace("_", " ").strip()
            rows.append({"fact": what, "value": readable(value)})
    return rows


def failures(near: dict[str, Any]) -> None:
    """Whether similar problems fail more often than all others, and which problems those are."""
    st.header("Failures on similar problems")
    if near["near"]["value"] is not None:
        shares = (("Failed, similar problems", near["near"]),
                  ("Failed, all other problems (base rate)", near["others"]))  # fmt: skip
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
    column.caption(
        f"{100 * share['low']:.1f} to {100 * share['high']:.1f}, {share['n']:,} problems"
    )


def _difference(column: Any, result: dict[str, Any]) -> None:
    if result["difference"] is None:
        column.metric("Difference", "unknown")
        return
    column.metric("Difference (correlation)", f"{100 * result['difference']:+.1f} pp")
    if result["low"] is not None:
        column.caption(f"{100 * result['low']:+.1f} to {100 * result['high']:+.1f}")
