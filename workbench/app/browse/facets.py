"""Facets of the failures page: what there is to choose, with counts that go together."""

import streamlit as st

from evals.graders import GRADERS
from workbench.app import state
from workbench.app.browse.filter import FIXED, LONGEST, Filter
from workbench.app.components import plain

TITLES = {
    "stage": "Stage",
    "run": "Run",
    "correct": "Answer",
    "category": "What is wrong",
    "format": "Format",
    "finish": "Ended by",
    "length": "Length in tokens",
    "steps": "Steps of the problem",
    "difficulty": "Difficulty, over all that is stored",
    "source": "Source",
    "tag": "Tag",
}
IN_SIGHT = (*FIXED, "stage", "steps")  # few values, which are no person's words: shown at once


def facets(counts: dict[str, list[tuple[str, int]]], filter: Filter) -> None:
    """A box for each facet; choosing changes the address and goes back to the first page."""
    key = "pick grader"
    st.session_state[key] = filter.grader
    st.selectbox("Grader", list(GRADERS), key=key, on_change=_grade)
    key = "pick text"
    st.session_state[key] = filter.text
    st.text_input(
        "Text contains",
        key=key,
        max_chars=LONGEST,
        on_change=_search,
        help="Letter for letter, in the generated text. A search reads all the texts of the chosen"
        " runs and stages once.",
    )
    for facet, found in counts.items():
        # a single value that all rows have is no choice; a tag is not had by all
        if len(found) > 1 or filter.of(facet) or (facet == "tag" and found):
            _facet(facet, dict(found), filter)
    if filter.chosen or filter.text:
        st.button("Clear all", on_click=_clear, width="stretch")


def _facet(facet: str, found: dict[str, int], filter: Filter) -> None:
    key = f"facet {facet}"
    # values that the store does not have are shown too: they are why nothing fits
    values = [*found, *(value for value in filter.of(facet) if value not in found)]
    # the address decides: a box's own memory would hold labels with counts of before
    st.session_state[key] = list(filter.of(facet))

    def label(value: str) -> str:
        return f"{plain(value)} · {found.get(value, 0):,}"

    if facet in IN_SIGHT and set(values) <= found.keys():
        st.pills(TITLES[facet], values, selection_mode="multi", format_func=label, key=key,
                 on_change=_choose, args=(facet,), wrap=True)  # fmt: skip
    else:
        st.multiselect(TITLES[facet], values, format_func=label, key=key, on_change=_choose,
                       args=(facet,), placeholder="any", select_all=False)  # fmt: skip


def _choose(facet: str) -> None:
    _go({facet: list(st.session_state[f"facet {facet}"])})


def _grade() -> None:
    _go({"grader": st.session_state["pick grader"]})


def _search() -> None:
    _go({"text": st.session_state["pick text"]})


def _clear() -> None:
    state.go({**dict.fromkeys(state.address()), "grader": state.said("grader")})


def show(generation: str) -> None:
    """Go to a generation; the table shows the page that holds it."""
    state.go({"generation": generation, "page": None})


def _go(changes: dict[str, str | list[str] | None]) -> None:
    state.go({**changes, "page": None, "generation": None})


def pages(number: int, of: int) -> None:
    """Buttons to turn pages; which one is shown is a part of the address."""
    if of == 1:
        return
    before, after, where = st.columns([1, 1, 4], vertical_alignment="center")
    for column, label, to in ((before, "Page back", number - 1), (after, "Page on", number + 1)):
        column.button(
            label,
            disabled=not 1 <= to <= of,
            on_click=state.go,
            args=({"page": str(to), "generation": None},),
            width="stretch",
        )
    where.text(f"Page {number:,} of {of:,}")
