"""Overview: the accuracy of each stage, paired differences between stages, and recent runs."""

from urllib.parse import urlencode

import streamlit as st

from evals.comparison import compare
from evals.scores import UnknownRun, default_grader, grader_names
from workbench.app import state
from workbench.app.components import charts, choices, plain
from workbench.app.components.table import table
from workbench.app.frame import judge_caption
from workbench.app.views.home import accuracy_cards, cards, runs
from workbench.formatting import (
    about_different_problems,
    about_train_problems,
    change,
    interval,
    p_value,
    stage_with_train_problems,
    train_problems_by_run,
    unknown_verdicts,
)
from workbench.lookup import default_runs, finished_evaluations

READS = ("scores", "overrides", "runs", "problems")

st.title("Overview")

cards.say_what_was_done()
evaluations = state.query(finished_evaluations, reads=("runs",)) if state.exists() else None
if evaluations is None or evaluations.is_empty():
    cards.three_cards()
    st.stop()

left, right = st.columns([4, 1])
chosen = choices.choose_several(
    left.multiselect,
    "Evaluations",
    evaluations["run"].to_list(),
    "runs",
    default=state.query(default_runs, reads=("runs",)),
    pinned=True,
    select_all=False,
    format_func=state.name_of,
)
in_order = tuple(run for run in evaluations["run"] if run in chosen)
fitting = state.query(default_grader, in_order, reads=("scores", "runs"))
names = state.query(grader_names, reads=("rubrics",))
grader = choices.choose(right.selectbox, "Grader", names, "grader", default=fitting)
judge_caption(grader)
if not in_order:
    st.info("Choose at least one evaluation.")
    st.stop()

try:
    stages = state.query(compare.stages, in_order, grader, reads=READS)
except UnknownRun:
    st.info(f"Some of these runs have no grades by {grader}. Grade them, then reload this page:")
    state.show_commands(f"grade --grader {grader}")
    st.stop()
st.header("Accuracy by stage")
st.caption(
    "95 % Wilson intervals. An unknown verdict counts as not correct. Left out: problems that the"
    " evaluation could not ask, such as those with a prompt that is too long. Partial: within 10 %"
    " of the reference."
)
comparisons = state.query(compare.comparisons, in_order, grader, reads=READS)
accuracy_cards(stages, comparisons)
st.altair_chart(charts.stage_intervals(stages))
table(
    [
        {
            "stage": stage_with_train_problems(row),
            "problems": row["n"],
            "left out": row["left_out"],
            **{name: interval(row[name]) for name in charts.METRICS},
            "unknown": unknown_verdicts(row["answer"]),
            "run": row["run"],
        }
        for row in stages
    ]
)
if note := about_train_problems(train_problems_by_run(stages)):
    st.warning(plain(note))

st.header("Paired differences")
if comparisons:
    st.caption(
        "On the problems that both runs answered; p of the exact McNemar test. Fixed: incorrect in"
        " the first run and correct in the second; regressed: the other way."
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
                "regressed": row["broken"],
                "unknown": unknown_verdicts(row),
                "problems": row["n"],
            }
            for row in comparisons
        ]
    )
    for note in sorted({about_different_problems(row["different"]) for row in comparisons} - {""}):
        st.warning(note)
    last = comparisons[-1]
    both = {"a": last["from_run"], "b": last["to_run"], "grader": grader}
    st.link_button(
        plain(f"Compare {last['from']} with {last['to']}"),
        f"compare?{urlencode(both)}",
    )
else:
    st.info("Choose two evaluations of the same problems to compare them.")

runs.recent()
