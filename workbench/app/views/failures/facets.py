"""Facets of the Generations page: the values that can be chosen, each with its count."""

import polars as pl
import streamlit as st

from evals.failures import CATEGORIES
from evals.scores import grader_names
from workbench.app import address, state
from workbench.app.browse import FIXED, LABELS, LONGEST, TITLES, Filter, shown
from workbench.app.components import plain
from workbench.app.frame import judge_caption

PILLS = (*FIXED, "stage", "steps")  # facets with few values of our own: all are visible at once


def facets(counts: dict[str, list[tuple[str, int]]], where: Filter) -> None:
    """A widget for each facet; a choice changes the address and goes back to the first page."""
    key = "pick grader"
    st.session_state[key] = where.grader
    names = state.query(grader_names, reads=("rubrics",))
    st.selectbox("Grader", names, key=key, on_change=_grade)
    judge_caption(where.grader)
    key = "pick text"
    st.session_state[key] = where.text
    st.text_input(
        "Search in text",
        key=key,
        max_chars=LONGEST,
        on_change=_search,
        help="Exact, case-sensitive, in the generated text. A search reads all texts of the chosen"
        " runs and stages once.",
    )
    for facet, values in counts.items():
        # a single value that all rows have is no choice; a tag is not on all rows
        if len(values) > 1 or where.of(facet) or (facet == "tag" and values):
            _facet(facet, dict(values), where)
    if where.chosen or where.text:
        st.button("Clear all", on_click=_clear, width="stretch")


def _facet(facet: str, counts: dict[str, int], where: Filter) -> None:
    key = f"facet {facet}"
    # chosen values that the store does not have are shown too: they are why nothing matches
    values = [*counts, *(value for value in where.of(facet) if value not in counts)]
    # the address decides: the widget's own state would keep labels with earlier counts
    st.session_state[key] = list(where.of(facet))

    def label(value: str) -> str:
        name = state.name_of(value) if facet == "run" else plain(shown(facet, value))
        return f"{name} · {counts.get(value, 0):,}"

    if facet in PILLS and set(values) <= counts.keys():
        st.pills(TITLES[facet], values, selection_mode="multi", format_func=label, key=key,
                 on_change=_choose, args=(facet,), wrap=True,
                 help=_meanings(facet, values))  # fmt: skip
    else:
        st.multiselect(TITLES[facet], values, format_func=label, key=key, on_change=_choose,
                       args=(facet,), placeholder="All", select_all=False)  # fmt: skip


def _meanings(facet: str, values: list[str]) -> str | None:
    """What each of these error types means; None for other facets."""
    if facet != "category":
        return None
    return "\n".join(
        f"- **{LABELS.get(name, name)}**: {CATEGORIES[name]}"
        for name in values
        if name in CATEGORIES
    )


def labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` of a table with values as pages show them, not as addresses have them."""
    return rows.with_columns(
        pl.col("correct", "format").replace(LABELS),
        pl.col("categories").list.eval(pl.element().replace(LABELS)),
    )


def _choose(facet: str) -> None:
    _filter_by({facet: list(st.session_state[f"facet {facet}"])})


def _grade() -> None:
    _filter_by({"grader": st.session_state["pick grader"]})


def _search() -> None:
    _filter_by({"text": st.session_state["pick text"]})


def _clear() -> None:
    address.go({**dict.fromkeys(address.parameters()), "grader": address.value("grader")})


def show(generation: str) -> None:
    """Go to a generation; the table shows the page that holds it."""
    address.go({"generation": generation, "page": None})


def _filter_by(changes: dict[str, str | list[str] | None]) -> None:
    address.go({**changes, "page": None, "generation": None})
