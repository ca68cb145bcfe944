"""Overview: what each stage scores, and what changed between them on the same problems."""

from urllib.parse import urlencode

import streamlit as st

from evals.comparison import compare
from evals.graders import GRADERS
from evals.scores.read import UnknownRun
from workbench.app import state
from workbench.app.components import charts, plain
from workbench.app.components.table import table
from workbench.formatting import change, interval, p_value
from workbench.lookup import default_runs, finished_evaluations, recent_runs

READS = ("scores", "overrides", "runs")

st.title("Overview")

evaluations = state.answer(finished_evaluations, reads=("runs",))
if evaluations.is_empty():
    st.info("No evaluation is finished yet. The whole job makes three:")
    st.code(state.FIRST, language="shell")
    st.stop()

left, right = st.columns([4, 1])
chosen = state.several(
    left.multiselect,
    "Evaluations",
    evaluations["run"].to_list(),
    "runs",
    usual=state.answer(default_runs, reads=("runs",)),
    stays=True,
    select_all=False,
)
in_order = tuple(run for run in evaluations["run"] if run in chosen)
grader = state.chosen(right.selectbox, "Grader", list(GRADERS), "grader")
if not in_order:
    st.info("Choose at least one evaluation.")
    st.stop()

try:
    stages = state.answer(compare.stages, in_order, grader, reads=READS)
except UnknownRun:
    st.info("Not all of these are graded by that yet. Grade them, then reload this page:")
    st.code(f"thinkbench grade --grader {grader}", language="shell")
    st.stop()
st.subheader("Stages")
st.caption("Each share with its 95 % interval. Unknown verdicts count in no share.")
st.altair_chart(charts.stage_intervals(stages))
table(
    [
        {
            "stage": row["stage"],
            "n": row["n"],
            **{name: interval(row[name]) for name in charts.METRICS},
            "run": row["run"],
        }
        for row in stages
    ]
)

st.subheader("Paired differences")
comparisons = state.answer(compare.comparisons, in_order, grader, reads=READS)
if comparisons:
    st.caption(
        "On the problems that both runs answered; p is the exact McNemar test's. Fixed: wrong in"
        " the first and right in the second; broken: the other way."
    )
    table(
        [
            {
                "from": row["from"],
                "to": row["to"],
                "metric": row["metric"],
                "difference": change(row),
                "p": p_value(row["p"]),
                "fixed": row["fixed"],
                "broken": row["broken"],
                "n": row["n"],
            }
            for row in comparisons
        ]
    )
    last = comparisons[-1]
    both = {"a": last["from_run"], "b": last["to_run"], "grader": grader}
    st.link_button(
        plain(f"Where {last['from']} and {last['to']} differ, and the problems behind it"),
        f"compare?{urlencode(both)}",
    )
else:
    st.info("Choose two evaluations of the same problems to compare them.")

st.subheader("Runs")
st.caption("What ran last, how long it took, and how many tokens its texts have.")
table(state.answer(recent_runs))
