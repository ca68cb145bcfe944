"""Reading and tagging with the keyboard: a press moves in the browser at once, and none is lost.

The browser holds the rows around the one shown, and reports its position after the last of many
presses: if each press asked for a page of its own, some would be overtaken and lost.
Its half is in keyboard_script.py.
"""

import functools
from typing import Any

import polars as pl
import streamlit as st
from streamlit.components.v2 import component

from data.store import annotations
from workbench.app import state
from workbench.app.browse import Filter, detail, pages
from workbench.app.components import VERDICT, plain
from workbench.app.views.failures import facets
from workbench.app.views.failures.keyboard_script import SCRIPT, STYLE

PAGE = 50  # rows of the table above; the browser holds them and those of the nearest other page
SHORT = 160  # characters of each text of a row
KEY = "row by row"
RECEIVED, REFUSED, LAST, TAGGED = "keys received", "tag refused", "last tag", "tagged by a key"


def page_of(where: Filter, generation: str) -> int:
    """The page of the table that holds the generation, from 1."""
    position = pages.position_of(state.index(where.grader), generation)
    if position is None:
        return 1
    number = state.query_index(pages.neighbours, where, position)["number"]
    return max(1, -(-number // PAGE))


def tags_of(generation: str) -> list[dict[str, Any]]:
    return state.query(detail.tags, generation, reads=("tags",))


def board(where: Filter, neighbours: dict[str, Any], shown: dict[str, Any]) -> None:
    """The row shown, in brief, and the keys that go on from it, tag it and scroll to its texts.

    neighbours, shown: as browse/pages.py gives them
    """
    first, rows = _around(where, neighbours["number"], neighbours["of"])
    matches = shown["generation_id"] in rows["generation_id"]
    _component()(
        key=KEY,
        data={
            "first": first,
            "rows": [_brief(row) for row in rows.iter_rows(named=True)],
            "here": _brief(shown),
            # a row that the filter excludes is between two that match
            "at": neighbours["number"] + (0 if matches else 0.5),
            "of": neighbours["of"],
            "tags": [plain(one["tag"]) for one in tags_of(shown["generation_id"])],
            "received": st.session_state.get(RECEIVED, 0),
            "write": state.may_write(),
            "last": st.session_state.get(LAST, ""),
            "refused": st.session_state.pop(REFUSED, ""),
        },
        on_report_change=lambda: _receive(where),
    )


@functools.cache
def _component() -> Any:
    return component("thinkbench_keyboard", css=STYLE, js=SCRIPT)


def _around(where: Filter, number: int, of: int) -> tuple[int, pl.DataFrame]:
    """The number of the first of these rows, and the rows: a page and the nearest other page."""
    page = max(1, -(-number // PAGE))
    other = page + 1 if number > (page - 0.5) * PAGE else page - 1
    numbers = [one for one in sorted((page, other)) if 1 <= one <= -(-of // PAGE)]
    rows = pl.concat(state.query_index(pages.page, where, one, PAGE) for one in numbers)
    return (numbers[0] - 1) * PAGE + 1, rows


def _brief(row: dict[str, Any]) -> dict[str, str]:
    def short(text: str | None) -> str:
        return plain(" ".join((text or "")[:SHORT].split()))

    answer = f"answer {short(row['extracted'])}" if row["extracted"] else "no extracted answer"
    return {
        "id": row["generation_id"],
        "verdict": VERDICT[row["correct"]],
        "origin": short(f"{row['stage']} · {row['run']} · sample {row['sample']}"),
        "question": short(row["question"] or f"Problem {row['problem_id']}"),
        "answer": f"reference answer {short(row['gold']) or 'unknown'}, {answer}",
    }


def _receive(where: Filter) -> None:
    """Do what the browser reports. It repeats all that it does not know to be received."""
    report = st.session_state[KEY].get("report") or {}
    received = st.session_state.get(RECEIVED, 0)
    if report.get("sent", 0) <= received:
        return
    st.session_state[RECEIVED] = report["sent"]
    for number, generation, tag in report["tags"]:
        if number > received:
            _tag(where, generation, tag)
    index = state.index(where.grader)
    to = report["id"]
    if to is None:  # beyond the rows that the browser had
        rows = state.query_index(pages.page, where, int(report["at"]), 1)
        to = None if rows.is_empty() else rows["generation_id"].item()
    if to is not None and pages.position_of(index, to) is not None:
        facets.show(to)


def _tag(where: Filter, generation: str, tag: str) -> None:
    exists = pages.position_of(state.index(where.grader), generation) is not None
    if not (exists and state.may_write()):
        return
    try:
        annotations.tag_all(state.store(), "generation", [generation], tag, state.author())
    except annotations.BadEntry as error:
        st.session_state[REFUSED] = plain(str(error))
    else:
        st.session_state[LAST] = tag
        st.session_state[TAGGED] = True
