"""Parts of the compare page: what differs, where, why, and the problems behind each number."""

from typing import Any

import streamlit as st

from workbench.app import state
from workbench.app.browse import Filter, pages, pairs
from workbench.app.components import charts, flow, generation, prev_next, row_picker
from workbench.app.components.table import table
from workbench.formatting import change, interval, p_value, points

PAGE = 100  # problems in a list
STEPS = {
    "fixed": "fixed",
    "broken": "broken",
    "kept_right": "kept right",
    "kept_wrong": "kept wrong",
    "unknown": "unknown",
}


def metrics(found: dict[str, Any]) -> None:
    """The three metrics of both, their differences, and what such a comparison can see at all."""
    table(
        [
            {
                "metric": name,
                "a": interval(row["a"]),
                "b": interval(row["b"]),
                "difference": change(row),
                "p": p_value(row["p"]),
                "Holm": p_value(row["holm"]),
                "fixed": row["fixed"],
                "broken": row["broken"],
                "finds from": points(row["smallest"]),
            }
            for name, row in found["metrics"].items()
        ],
        look={
            "Holm": st.column_config.Column(help="p, corrected for all that this page shows"),
            "finds from": st.column_config.Column(
                help="the smallest difference that 80 % of such comparisons find"
            ),
        },
    )


def slices(rows: list[dict[str, Any]]) -> None:
    """Differences in answers by kind of problem, drawn and as numbers."""
    if not rows:
        st.info("Choose a slicing above to see where the two differ.")
        return
    named = [row | {"label": f"{row['slice']}: {row['value']} ({row['n']:,})"} for row in rows]
    st.altair_chart(charts.differences(named, state.ink()))
    numbers = state.folded("Numbers", "numbers")
    if not numbers.open:
        return
    table(
        [
            {
                "slice": row["slice"],
                "value": row["value"],
                "n": row["n"],
                "difference": change(row),
                "p": p_value(row["p"]),
                "Holm": p_value(row["holm"]),
                "fixed": row["fixed"],
                "broken": row["broken"],
                "small": row["small"],
            }
            for row in rows
        ],
        into=numbers,
    )


def transitions(found: dict[str, Any]) -> None:
    """How many problems went from right to wrong and back, as a flow."""
    st.altair_chart(flow(found, state.ink()))
    if found["left_out"]:
        st.caption(f"{found['left_out']:,} problems that not all of them answered are left out.")
    if found["samples"] > 1:
        st.caption("Of several samples, a problem is right if more than half of them are.")


def decomposition(found: dict[str, Any] | None) -> None:
    """What the gain is made of."""
    if found is None:
        st.info("This needs the verdicts of `strict` and of `lenient`. Grade both runs by both:")
        st.code("thinkbench grade --grader strict\nthinkbench grade --grader lenient",
                language="shell")  # fmt: skip
        return
    st.altair_chart(charts.causes(found["gains"], found["losses"], state.ink()))
    st.caption(
        "Tags: the answer was right before, or is still, without the format. Truncation: the wrong"
        " text was cut off. Answers: another answer, whatever the format. By `strict`."
    )


def groups(steps: dict[str, Any], parts: dict[str, Any] | None) -> dict[str, list[str]]:
    """Name of each group of problems -> its problems."""
    found = {shown: steps["problems"][name] for name, shown in STEPS.items()}
    if parts is not None:
        for what, causes in parts["problems"].items():
            found |= {f"{what}: {cause}": ids for cause, ids in causes.items()}
    return {name: ids for name, ids in found.items() if ids}


@st.fragment
def problems(filter: Filter, names: tuple[str, str], found: dict[str, list[str]]) -> None:
    """The problems of one group, and one of them as both runs answered it."""
    group = state.chosen(
        st.selectbox, "Problems", list(found), "group",
        format_func=lambda name: f"{name} · {len(found[name]):,}",
    )  # fmt: skip
    if group is None:
        return
    ids = found[group]
    chosen = state.one_of("problem", ids)
    assert chosen is not None
    at = ids.index(chosen)
    before, after, where = st.columns([1, 1, 4], vertical_alignment="center")
    for column, label, by, arrow in ((before, "Previous", -1, "←"), (after, "Next", 1, "→")):
        column.button(label, disabled=not 0 <= at + by < len(ids), help=f"or the key {arrow}",
                      on_click=_step, args=(ids, by), width="stretch")  # fmt: skip
    with where:
        prev_next.place(at + 1, len(ids), f"{names} {group}", lambda at: _go_to(ids[at - 1]))
    first = at // PAGE * PAGE
    shown_ids = ids[first : first + PAGE]
    rows = state.browsed(pairs.problems, filter, names, tuple(shown_ids))
    row_picker.table(rows, shown_ids, f"problems of {names} {group} {first}", _go_to, most=6)
    both = state.browsed(pairs.generations, filter, names, chosen)
    answers = state.browsed(pages.answers_beside, filter, both[0])
    generation.problem(chosen)
    shown = {row["generation_id"]: row for row in answers.iter_rows(named=True)}
    generation.abreast([shown[id] for id in both if id in shown])


def _step(ids: list[str], by: int) -> None:
    at = ids.index(state.one_of("problem", ids) or ids[0])
    _go_to(ids[min(max(at + by, 0), len(ids) - 1)])


def _go_to(problem: str) -> None:
    state.go({"problem": problem})
