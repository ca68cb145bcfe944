"""One generation in full: its problem at every stage side by side, and all its generations."""

from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from workbench.app import address, state
from workbench.app.browse import Filter, pages
from workbench.app.components import generation as generations, prev_next
from workbench.app.components.row_picker import row_picker
from workbench.app.frame import explained
from workbench.app.views.failures import facets, keyboard, tagging
from workbench.lookup import STAGE_ORDER, finished_evaluations

COLUMNS = 4  # generations side by side


@st.fragment
@explained()
def detail(where: Filter, first: str, page: int) -> None:
    """The generation that the address names, or the `first`; buttons and keys to go on from it.

    page: of the table above. If the keys leave it, or add a tag, the whole page is rerun.
    """
    index = state.index(where.grader)
    generation = address.value("generation") or first
    position = pages.position_of(index, generation)
    if position is None:
        st.warning("The generation in the address was not found. Showing the first result.")
        generation = first
        position = pages.position_of(index, first)
    off_page = address.value("generation") and keyboard.page_of(where, generation) != page
    if st.session_state.pop(keyboard.TAGGED, False) or off_page:
        st.rerun(scope="app")
    neighbours = state.query_index(pages.neighbours, where, position)
    _toolbar(where, generation, neighbours)
    rows = state.query_index(pages.same_problem, where, generation)
    [shown] = rows.filter(pl.col("generation_id") == generation).to_dicts()
    keyboard.board(where, neighbours, shown)
    generations.problem(shown["problem_id"], shown["run"])
    _stages(rows, shown, where.text)
    _same_problem(rows)


def _toolbar(where: Filter, generation: str, neighbours: dict[str, Any]) -> None:
    def step(by: int) -> None:
        # from the current address: of two quick clicks the second goes on from the first
        position = pages.position_of(
            state.index(where.grader), address.value("generation") or generation
        )
        if position is not None:
            around = state.query_index(pages.neighbours, where, position)
            facets.show(around["next" if by > 0 else "previous"] or generation)

    before, after, tag, link = st.columns([1, 1, 1, 1], vertical_alignment="center")
    prev_next.buttons(
        (before, after),
        step,
        before=neighbours["previous"] is not None,
        after=neighbours["next"] is not None,
    )
    with tag:
        tagging.one(generation)
    link.link_button(
        "Lineage",
        f"lineage?{urlencode({'id': generation})}",
        help="where this text came from",
        width="stretch",
    )


def _stages(rows: pl.DataFrame, chosen: dict[str, Any], searched: str) -> None:
    """The generation, and what the newest run of each other stage answered to the same problem."""
    shown = [chosen, *_of_other_stages(rows, chosen)]
    shown = sorted(shown, key=lambda row: _order(row["stage"]))[:COLUMNS]
    if chosen not in shown:
        shown[-1] = chosen
    generations.side_by_side(shown, chosen, searched)


def _of_other_stages(rows: pl.DataFrame, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a stage: of its newest run, the sample of the same number or else the first."""
    runs = state.query(finished_evaluations, reads=("runs",)).sort("ended_at")["run"].to_list()
    age = {run: nth for nth, run in enumerate(runs)}

    def rank(row: dict[str, Any]) -> tuple[int, bool]:
        return age.get(row["run"], -1), row["sample"] == chosen["sample"]

    best: dict[str, dict[str, Any]] = {}
    for row in rows.iter_rows(named=True):
        if row["stage"] not in best or rank(row) > rank(best[row["stage"]]):
            best[row["stage"]] = row
    return [row for stage, row in best.items() if stage != chosen["stage"]]


def _order(stage: str) -> tuple[int, str]:
    first = STAGE_ORDER.index(stage) if stage in STAGE_ORDER else len(STAGE_ORDER)
    return first, stage


def _same_problem(rows: pl.DataFrame) -> None:
    """A table of all generations for the problem; a click on one goes to it."""
    count = f"{rows.height:,} generations" if rows.height != 1 else "1 generation"
    st.caption(f"All {count} for this problem" if rows.height != 1 else f"{count} for this problem")
    columns = rows.select("stage", "run", "sample", "correct", "extracted", "format", "tokens",
                          "finish", "categories")  # fmt: skip
    titles = {"categories": "error types", "finish": "stop reason"}
    key = f"generations of {rows['problem_id'][0]}"
    row_picker(
        facets.labelled(columns), rows["generation_id"].to_list(), key, facets.show, titles=titles
    )
