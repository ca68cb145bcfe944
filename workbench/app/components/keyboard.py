"""Reading and tagging with the keyboard: a press moves in the browser at once, and none is lost.

The browser holds rows around the one that is shown, and tells where it has come to after the last
press of many: each asking for a page of its own, some would be overtaken and forgotten.
Its half is workbench/app/components/keyboard_script.py.
"""

import functools
from typing import Any

import polars as pl
import streamlit as st
from streamlit.components.v2 import component

from data.store import annotations
from workbench.app import state as session
from workbench.app.browse import Filter, detail, facets, pages as browse
from workbench.app.components.keyboard_script import SCRIPT, STYLE
from workbench.app.components.text import plain

PAGE = 50  # rows of the table above, which the browser holds with those of the next nearest page
SHORT = 160  # characters of each text of a row
KEY = "row by row"
HEARD, REFUSED, LAST, TAGGED = "keys heard", "tag refused", "last tag", "tagged by a key"
VERDICT = {"right": "✓ right", "wrong": "✗ wrong", "unknown": "? unknown"}


def page_of(filter: Filter, generation: str) -> int:
    """The page of the table that holds the generation, from 1."""
    place = browse.place_of(session.index(filter.grader), generation)
    if place is None:
        return 1
    number = session.browsed(browse.neighbours, filter, place)["number"]
    return max(1, -(-number // PAGE))


def tags_of(generation: str) -> list[dict[str, Any]]:
    return session.answer(detail.tags, generation, reads=("tags",))


def board(filter: Filter, where: dict[str, Any], shown: dict[str, Any]) -> None:
    """The row that is shown in brief, and the keys that go on from it, tag it and open its texts.

    where: of workbench.app.browse.pages.neighbours; shown: a row of workbench.app.browse.pages.page
    """
    first, rows = _around(filter, where["number"], where["of"])
    fits = shown["generation_id"] in rows["generation_id"]
    _component()(
        key=KEY,
        data={
            "first": first,
            "rows": [_brief(row) for row in rows.iter_rows(named=True)],
            "here": _brief(shown),
            # what the filter leaves out stands between two that it lets through
            "at": where["number"] + (0 if fits else 0.5),
            "of": where["of"],
            "tags": [plain(one["tag"]) for one in tags_of(shown["generation_id"])],
            "heard": st.session_state.get(HEARD, 0),
            "write": session.may_write(),
            "last": st.session_state.get(LAST, ""),
            "refused": st.session_state.pop(REFUSED, ""),
        },
        on_told_change=lambda: _hear(filter),
    )


@functools.cache
def _component() -> Any:
    return component("thinkbench_keyboard", css=STYLE, js=SCRIPT)


def _around(filter: Filter, number: int, of: int) -> tuple[int, pl.DataFrame]:
    """The number of the first of these rows, and the rows: a page and the one nearest to it."""
    page = max(1, -(-number // PAGE))
    other = page + 1 if number > (page - 0.5) * PAGE else page - 1
    pages = [one for one in sorted((page, other)) if 1 <= one <= -(-of // PAGE)]
    rows = pl.concat(session.browsed(browse.page, filter, one, PAGE) for one in pages)
    return (pages[0] - 1) * PAGE + 1, rows


def _brief(row: dict[str, Any]) -> dict[str, str]:
    def short(text: str | None) -> str:
        return plain(" ".join((text or "")[:SHORT].split()))

    return {
        "id": row["generation_id"],
        "verdict": VERDICT[row["correct"]],
        "origin": short(f"{row['stage']} · {row['run']} · sample {row['sample']}"),
        "question": short(row["question"] or f"Problem {row['problem_id']}"),
        "answer": f"gold {short(row['gold']) or 'unknown'},"
        f" answer {short(row['extracted']) or 'not found'}",
    }


def _hear(filter: Filter) -> None:
    """Do what the browser tells. It tells all again that it does not know to be heard."""
    told = st.session_state[KEY].get("told") or {}
    heard = st.session_state.get(HEARD, 0)
    if told.get("said", 0) <= heard:
        return
    st.session_state[HEARD] = told["said"]
    for number, generation, tag in told["tags"]:
        if number > heard:
            _tag(filter, generation, tag)
    index = session.index(filter.grader)
    to = told["id"]
    if to is None:  # beyond the rows that the browser held
        rows = session.browsed(browse.page, filter, int(told["at"]), 1)
        to = None if rows.is_empty() else rows["generation_id"].item()
    if to is not None and browse.place_of(index, to) is not None:
        facets.show(to)


def _tag(filter: Filter, generation: str, tag: str) -> None:
    known = browse.place_of(session.index(filter.grader), generation) is not None
    if not (known and session.may_write()):
        return
    try:
        annotations.tag_all(session.store(), "generation", [generation], tag, session.author())
    except annotations.BadEntry as error:
        st.session_state[REFUSED] = plain(str(error))
    else:
        st.session_state[LAST] = tag
        st.session_state[TAGGED] = True
