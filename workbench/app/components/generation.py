"""One generation in full: its problem at every stage side by side, and all that answered it."""

from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from data.audit import Mark
from workbench.app import state
from workbench.app.browse import (
    NOT_LOOKED_AT,
    NOTHING_WRONG,
    Filter,
    detail as browse_detail,
    facets,
    pages,
)
from workbench.app.components import keyboard, row_picker, tagging, text as texts
from workbench.app.components.diff import differing
from workbench.app.components.keyboard import VERDICT
from workbench.app.components.latex import formulas
from workbench.app.components.text import plain
from workbench.lookup import STAGE_ORDER, finished_evaluations

ABREAST = 4  # generations side by side
DIFFERENCES, FORMULAS = "differences", "formulas"
ALSO = (DIFFERENCES, FORMULAS)


@st.fragment
def detail(filter: Filter, first: str, page: int) -> None:
    """The generation that the address names, or the `first`; buttons and keys to go on from it.

    page: of the table that is shown above. Where the keys leave it, or tag, all is drawn again.
    """
    index = state.index(filter.grader)
    generation = state.said("generation") or first
    place = pages.place_of(index, generation)
    if place is None:
        st.warning("The store has no such generation as the address names. Here is the first.")
        generation = first
        place = pages.place_of(index, first)
    off = state.said("generation") and keyboard.page_of(filter, generation) != page
    if st.session_state.pop(keyboard.TAGGED, False) or off:
        st.rerun(scope="app")
    where = state.browsed(pages.neighbours, filter, place)
    before, after, tag, link = st.columns([1, 1, 1, 1], vertical_alignment="center")
    for column, way in ((before, "previous"), (after, "next")):
        column.button(
            way.capitalize(),
            disabled=where[way] is None,
            on_click=_step,
            args=(filter, generation, way),
            width="stretch",
        )
    with tag:
        tagging.one(generation)
    link.link_button(
        "Lineage",
        f"lineage?{urlencode({'id': generation})}",
        help="where this text came from",
        width="stretch",
    )
    of_problem = state.browsed(pages.answers_beside, filter, generation)
    [shown] = of_problem.filter(pl.col("generation_id") == generation).to_dicts()
    keyboard.board(filter, where, shown)
    problem(of_problem["problem_id"][0])
    side_by_side(of_problem, generation)
    all_answers(of_problem)


def _step(filter: Filter, generation: str, way: str) -> None:
    # from where the address is by now: of two quick presses the second goes on from the first
    index = state.index(filter.grader)
    place = pages.place_of(index, state.said("generation") or generation)
    if place is not None:
        to = state.browsed(pages.neighbours, filter, place)[way]
        facets.show(to or generation)


def problem(id: str) -> None:
    """The question and its gold, as they are stored."""
    found = state.answer(browse_detail.problem, id, reads=("problems",))
    if found["question"] is None:
        st.text(plain(f"Problem {id}"))
        st.warning("The store has lost this problem: its question and gold are unknown.")
        return
    st.html(texts.folded(found["question"], name=plain(f"problem {id}")))
    st.text(f"Gold: {plain(found['gold'])[: texts.LONGEST]}")


def side_by_side(answers: pl.DataFrame, generation: str) -> None:
    """The generation, and what the newest run of each other stage said to the same problem."""
    [chosen] = answers.filter(pl.col("generation_id") == generation).to_dicts()
    shown = [chosen, *_of_other_stages(answers, chosen)]
    shown = sorted(shown, key=lambda row: _place(row["stage"]))[:ABREAST]
    if chosen not in shown:
        shown[-1] = chosen
    abreast(shown, chosen)


def abreast(shown: list[dict[str, Any]], chosen: dict[str, Any] | None = None) -> None:
    """Rows of `pages.page`, all of one problem, with their texts; `chosen` is framed."""
    ids, runs = [row["generation_id"] for row in shown], [row["run"] for row in shown]
    asked = (shown[0]["problem_id"], ids, runs)
    stored = state.answer(browse_detail.texts, *asked, reads=("generations",))
    wrong = state.answer(browse_detail.evidence, *asked, reads=("failures",))
    also = _also()
    first = next((stored[id]["text"] for id in ids if id in stored), "")
    for column, row in zip(st.columns(len(shown)), shown, strict=True):
        with column.container(border=row is chosen):
            here = stored.get(row["generation_id"])
            marks = _marks(here, wrong.get(row["generation_id"], []))
            if DIFFERENCES in also and here is not None:
                others = [stored[id]["text"] for id in ids if id in stored and stored[id] != here]
                beside = others[:1] if here["text"] == first else [first]
                marks = [mark for text in beside for mark in differing(here["text"], text)]
            _one(row, here, marks)
            if FORMULAS in also and here is not None:
                for body in formulas(here["text"]):
                    st.latex(body)


def _also() -> list[str]:
    """What is shown of the texts besides: kept in the address."""
    kept = [one for one in st.query_params.get_all("show") if one in ALSO]
    st.session_state["show also"] = kept
    st.pills(
        "Show",
        ALSO,
        selection_mode="multi",
        key="show also",
        label_visibility="collapsed",
        on_change=lambda: state.go({"show": st.session_state["show also"]}),
    )
    return kept


def _marks(stored: dict[str, Any] | None, wrong: list[dict[str, Any]]) -> list[Mark]:
    # a mark over all of it would tell nothing
    length = len(stored["text"]) if stored else 0
    return [Mark(one["start"], one["end"], one["name"]) for one in wrong
            if one["end"] - one["start"] < length]  # fmt: skip


def _of_other_stages(answers: pl.DataFrame, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """One a stage: of its newest run, the sample of the same number or else the first."""
    runs = state.answer(finished_evaluations, reads=("runs",)).sort("ended_at")["run"].to_list()
    age = {run: place for place, run in enumerate(runs)}
    found: dict[str, dict[str, Any]] = {}
    for row in answers.iter_rows(named=True):
        key = (age.get(row["run"], -1), row["sample"] == chosen["sample"])
        known = found.get(row["stage"])
        if known is None or key > (age.get(known["run"], -1), known["sample"] == chosen["sample"]):
            found[row["stage"]] = row
    return [row for stage, row in found.items() if stage != chosen["stage"]]


def _place(stage: str) -> tuple[int, str]:
    first = STAGE_ORDER.index(stage) if stage in STAGE_ORDER else len(STAGE_ORDER)
    return first, stage


def _one(row: dict[str, Any], stored: dict[str, Any] | None, marks: list[Mark]) -> None:
    st.subheader(VERDICT[row["correct"]], anchor=False)
    tokens = "" if row["tokens"] is None else f", {row['tokens']:,} tokens in all"
    names = [name for name in row["categories"] if name not in (NOTHING_WRONG, NOT_LOOKED_AT)]
    lines = [
        f"{row['stage']} · {row['run']} · sample {row['sample']}",
        f"answer {row['extracted'] or 'not found'}, {row['format']}{tokens}, ended by"
        f" {row['finish']}",
        *names,
    ]
    st.text("\n".join(map(plain, lines)))
    if stored is None:
        st.warning("The store has no text of this generation, only its scores.")
        return
    st.html(texts.folded(stored["text"], marks))


def all_answers(answers: pl.DataFrame) -> None:
    """A table of all that answered the problem; a click on one goes to it."""
    st.caption(f"All {answers.height:,} stored answers to this problem")
    rows = answers.select("stage", "run", "sample", "correct", "extracted", "format", "tokens",
                          "finish", "categories")  # fmt: skip
    key = f"answers to {answers['problem_id'][0]}"
    row_picker.table(rows, answers["generation_id"].to_list(), key, facets.show)
