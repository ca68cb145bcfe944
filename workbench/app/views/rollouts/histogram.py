"""Part of the Rollouts page: a histogram whose bins filter the list of rollouts."""

from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from evals.rollouts import Browse, rollout_bands
from workbench.app import address, state
from workbench.app.components import choices

OF = ("reward", "advantage", "tokens")
FIELD, BIN = "rollouts-of", "rollouts-bin"  # of the address
READS = ("rollouts", "problems", "rollout_scores", "rollout_failures")
EDGE = 1e-9  # ends of bins are rounded
HEIGHT = 160  # [pixels]


def filter_of_bin(chosen: Browse) -> str:
    """Draw the histogram of the chosen rollouts; the filter of the bin that is picked, or ""."""
    field = choices.choose(st.pills, "Histogram of", OF, FIELD, default=OF[0], clears=(BIN,))
    bins = state.query(rollout_bands, chosen, field, reads=READS)
    if not bins:
        st.caption(f"No {field} of these rollouts is known.")
        return ""
    number = address.number(BIN, 0, least=0) - 1  # from 1 in the address
    picked = number if 0 <= number < len(bins) else None
    _draw(bins, field, picked, f"bins of {chosen} {field}")
    if picked is None:
        st.caption("A click on a bar lists its rollouts alone.")
        return ""
    low, high = bins[picked]["low"], bins[picked]["high"]
    is_last = picked == len(bins) - 1
    st.button(f"All bins: now {field} {low:.3g} to {high:.3g}", on_click=address.go,
              args=({BIN: None},))  # fmt: skip
    end = f"<= {high + EDGE:.12f}" if is_last else f"< {high - EDGE:.12f}"
    return f"{field} >= {low - EDGE:.12f} and {field} {end}"


def _draw(bins: list[dict[str, Any]], field: str, picked: int | None, key: str) -> None:
    rows = pl.DataFrame(bins).with_row_index("bin", 1)
    rows = rows.with_columns(picked=pl.col("bin") == (0 if picked is None else picked + 1))
    chart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("low:Q", bin="binned", title=field),
            x2="high:Q",
            y=alt.Y("n:Q", title="rollouts"),
            opacity=alt.condition("datum.picked", alt.value(1.0), alt.value(0.6)),
            tooltip=["low", "high", "n"],
        )
        .add_params(alt.selection_point(name="bin", fields=["bin"]))
        .properties(height=HEIGHT)
    )

    def pick() -> None:
        if chosen := st.session_state[key]["selection"]["bin"]:
            address.go({BIN: str(chosen[0]["bin"])})

    st.altair_chart(chart, on_select=pick, selection_mode="bin", key=key)
