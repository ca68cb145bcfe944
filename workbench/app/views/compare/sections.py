"""Parts of the Compare page: metrics, transitions, causes of the gain, and slices."""

from typing import Any

import streamlit as st

from workbench.app import state
from workbench.app.components import charts, choices, flow
from workbench.app.components.table import table
from workbench.formatting import (
    about_different_problems,
    change,
    interval,
    p_value,
    paper_table,
    points,
    unknown_verdicts,
)

FORMS = {"markdown": "Markdown", "latex": "LaTeX, with the package booktabs"}
HELP = {
    "unknown": "problems with an unknown verdict, which counts as not correct; the"
    " difference if all of these were against the candidate, and all for it",
    "adjusted p (Holm)": "p, corrected for all comparisons on this page",
    "minimum detectable difference": "the smallest difference that 80 % of such comparisons would"
    " detect (80 % power)",
}


def metrics(result: dict[str, Any]) -> None:
    """The three metrics of both runs, their differences, and the detectable difference."""
    table(
        [
            {
                "metric": name,
                "baseline": interval(row["a"]),
                "candidate": interval(row["b"]),
                "difference": change(row),
                "p": p_value(row["p"]),
                "adjusted p (Holm)": p_value(row["holm"]),
                "fixed": row["fixed"],
                "regressed": row["broken"],
                "unknown": unknown_verdicts(row),
                "minimum detectable difference": points(row["smallest"]),
            }
            for name, row in result["metrics"].items()
        ],
        look={name: st.column_config.Column(help=text) for name, text in HELP.items()},
    )


def for_papers(result: dict[str, Any], names: tuple[str, str]) -> None:
    """The metrics as tables to copy into a document."""
    with st.popover("Copy as", width="stretch"):
        for form, title in FORMS.items():
            st.caption(title)
            st.code(paper_table(result, names, form), language=None)


def slices(rows: list[dict[str, Any]]) -> None:
    """Differences in accuracy by kind of problem, as a chart and as a table."""
    if not rows:
        st.info("Choose a breakdown above to see where the two runs differ.")
        return
    named = [row | {"label": f"{row['slice']}: {row['value']} ({row['n']:,})"} for row in rows]
    st.altair_chart(charts.differences(named, charts.text_colour()))
    numbers = choices.fold("Table", "numbers")
    if not numbers.open:
        return
    table(
        [
            {
                "slice": row["slice"],
                "value": row["value"],
                "problems": row["n"],
                "difference": change(row),
                "p": p_value(row["p"]),
                "adjusted p (Holm)": p_value(row["holm"]),
                "fixed": row["fixed"],
                "regressed": row["broken"],
                "unknown": unknown_verdicts(row),
                "few samples": row["small"],
            }
            for row in rows
        ],
        into=numbers,
    )


def transitions(moved: dict[str, Any]) -> None:
    """How many problems went from correct to incorrect and back, as a Sankey chart."""
    st.altair_chart(flow(moved, charts.text_colour()))
    if moved["left_out"]:
        st.caption(f"{moved['left_out']:,} problems that not all runs answered are left out.")
    if note := about_different_problems(moved["different"]):
        st.caption(note)
    if any(step["unknown"] for step in moved["steps"]):
        st.caption("In counts of fixed and regressed problems, unknown counts as not correct.")
    if moved["samples"] > 1:
        st.caption(
            "With several samples, a problem is correct if more than half of them are correct."
        )


def _label(cause: str) -> str:
    return CAUSES.get(cause, cause)


def gain_causes(result: dict[str, Any] | None, grader: str) -> None:
    """The causes of gained and lost problems."""
    if result is None:
        st.info(f"This needs the verdicts of `{grader}` and of `lenient`. Grade both runs by both:")
        state.show_commands(f"grade --grader {grader}", "grade --grader lenient")
        return
    gains, losses = ({_label(name): n for name, n in result[side].items()}
                     for side in ("gains", "losses"))  # fmt: skip
    st.altair_chart(charts.causes(gains, losses, charts.text_colour()))
    st.caption(
        "Formatting: the same answer, in the valid format on one side only. Truncation: the"
        " incorrect text was truncated. Different answer: another answer, whatever the format. By"
        f" `{grader}`."
    )


# cause, as evals/comparison/gain_causes.py names it -> how the page names it
CAUSES = {
    "tags learned": "formatting",
    "tags lost": "formatting",
    "truncation changed": "truncation",
    "answers changed": "different answer",
    "answers lost": "different answer",
}
