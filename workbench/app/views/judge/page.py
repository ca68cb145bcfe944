"""Judges: how well one agrees with people, and a blind sample of its generations to label."""

import streamlit as st

from evals.judge import judges, quality_of
from workbench.app import state
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.frame import READS, judge_caption
from workbench.app.views.judge.labelling import labelling
from workbench.formatting import interval, kappa_text

st.title("Judges")

stored = state.query(judges, reads=("rubrics", "scores", "overrides"))
if not stored:
    st.info("There is no judge yet. Write its rubric (docs/judge.md), add it, then grade a run:")
    state.show_commands("judge add RUBRIC.toml", "grade RUN --grader judge:NAME")
    st.stop()

grader = choices.choose(st.selectbox, "Judge", [one["grader"] for one in stored], "judge")
[chosen] = [one for one in stored if one["grader"] == grader]
quality = state.query(quality_of, grader, reads=READS)
judge_caption(grader)
st.text(plain(f"{chosen['scores']:,} verdicts of version {chosen['version']} by {chosen['model']}"))
st.header("Agreement")
st.caption(
    "With blind labels, overrides and the labels of imports, 95 % intervals. An unknown verdict"
    " agrees with no label. Blind labels are of disputed cases first, so their numbers are lower"
    " than over all answers."
)
table(
    [
        {
            "labels": source,
            "n": row["n"],
            "problems": row["problems"],
            "unknown": row["unknown"],
            **{name: interval(row[name]) for name in ("agreement", "precision", "recall")},
            "kappa": kappa_text(row["kappa"]),
        }
        for source, row in (("all", quality), *((r["source"], r) for r in quality["by_source"]))
    ]
)
st.header("Label a blind sample")
if not chosen["scores"]:
    st.info("This version of the judge has no verdict yet, so there is nothing to compare:")
    state.show_commands(f"grade RUN --grader {grader}")
    st.stop()
labelling(grader)
