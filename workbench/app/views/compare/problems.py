"""Part of the Compare page: the problems behind each number, and both answers to one of them."""

from typing import Any

import streamlit as st

from workbench.app import address, state
from workbench.app.browse import Filter, pages, pairs
from workbench.app.components import choices, generation, prev_next
from workbench.app.components.row_picker import row_picker
from workbench.app.frame import explained
from workbench.app.views.compare.sections import CAUSES

PAGE = 100  # problems in a list
# group, as addresses have it -> its label; the keys of evals.comparison.transitions have "_"
STEPS = {
    "fixed": "fixed",
    "broken": "regressed",
    "kept right": "still correct",
    "kept wrong": "still incorrect",
    "unknown": "unknown in one of them",
}


def groups(steps: dict[str, Any], parts: dict[str, Any] | None) -> dict[str, list[str]]:
    """Name of each group of problems -> its problems."""
    ids_of = {name: steps["problems"][name.replace(" ", "_")] for name in STEPS}
    if parts is not None:
        for what, causes in parts["problems"].items():
            ids_of |= {f"{what}: {cause}": ids for cause, ids in causes.items()}
    return {name: ids for name, ids in ids_of.items() if ids}


def _label(group: str) -> str:
    what, colon, cause = group.partition(": ")
    return f"{what}: {CAUSES.get(cause, cause)}" if colon else STEPS[group]


@st.fragment
@explained()
def problems(where: Filter, names: tuple[str, str], ids_of: dict[str, list[str]]) -> None:
    """The problems of one group, and one of them as both runs answered it."""
    group = choices.choose(
        st.selectbox, "Problems", list(ids_of), "group",
        format_func=lambda name: f"{_label(name)} · {len(ids_of[name]):,}",
    )  # fmt: skip
    if group is None:
        return
    ids = ids_of[group]
    chosen = address.one_of("problem", ids)
    assert chosen is not None
    at = ids.index(chosen)
    before, after, position = st.columns([1, 1, 4], vertical_alignment="center")
    prev_next.buttons(
        (before, after), lambda by: _step(ids, by), before=at > 0, after=at + 1 < len(ids)
    )
    with position:
        prev_next.position(at + 1, len(ids), f"{names} {group}", lambda to: _go_to(ids[to - 1]))
    first = at // PAGE * PAGE
    listed = ids[first : first + PAGE]
    rows = state.query_index(pairs.problems, where, names, tuple(listed))
    titles = {"gold": "reference answer", "a": "baseline", "b": "candidate"}
    key = f"problems of {names} {group} {first}"
    row_picker(rows, listed, key, _go_to, most=6, titles=titles)
    both = state.query_index(pairs.generations, where, names, chosen)
    answers = state.query_index(pages.same_problem, where, both[0])
    generation.problem(chosen, names[0].partition("/")[0])
    rows_by_id = {row["generation_id"]: row for row in answers.iter_rows(named=True)}
    generation.side_by_side([rows_by_id[one] for one in both if one in rows_by_id])


def _step(ids: list[str], by: int) -> None:
    at = ids.index(address.one_of("problem", ids) or ids[0])
    _go_to(ids[min(max(at + by, 0), len(ids) - 1)])


def _go_to(problem: str) -> None:
    address.go({"problem": problem})
