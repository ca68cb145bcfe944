"""Compare: two runs on the same problems: how much differs, where, and what was fixed or broken."""

import streamlit as st

from evals import browse_pairs, report, transitions
from evals.browse_filter import Filter
from evals.graders import GRADERS
from evals.grading import UnknownRun
from evals.scored import NothingInCommon
from evals.slices import SLICINGS
from workbench import pairs_of_runs, session
from workbench.evaluations import usual
from workbench.texts import plain

READS = ("scores", "overrides", "problems")
SLICED = ("steps", "source")  # where nobody chose

st.title("Compare")

left, middle, right = st.columns([3, 3, 1])
grader = session.chosen(right.selectbox, "Grader", list(GRADERS), "grader")
filter = Filter(grader)
names = [name for name, _, _ in browse_pairs.named(session.store(), session.index(grader))]
if len(names) < 2:
    st.info("To compare takes two evaluations, or imports, that this grader has graded:")
    st.code(f"{session.FIRST}\nthinkbench grade --grader {grader}", language="shell")
    st.stop()

newest = [run for run in session.answer(usual, reads=("runs",)) if run in names]
first, second = newest[-2:] if len(newest) > 1 else names[:2]
a = session.chosen(left.selectbox, "a", names, "a", default=first, stays=True)
b = session.chosen(middle.selectbox, "b", names, "b", default=second, stays=True)
if a == b:
    st.info("Choose two different runs.")
    st.stop()

slicing, between = st.columns(2, vertical_alignment="top")
by = session.several(
    slicing.pills, "Slices of problems", list(SLICINGS), "by", usual=SLICED, selection_mode="multi"
)
way = session.several(
    between.multiselect,
    "By way of",
    [name for name in names if name not in (a, b)],
    "way",
    placeholder="other stages, for the flow chart",
    select_all=False,
)

try:
    found, moved = session.answer(report.compare_and_follow, a, b, grader, tuple(by), reads=READS)
    flow = moved
    if way:
        flow = session.answer(transitions.transitions, (a, *way, b), grader, reads=READS)
except (NothingInCommon, UnknownRun) as error:
    st.error("These cannot be compared.")
    st.text(plain(str(error)))
    st.stop()

st.caption(
    f"{found['n']:,} problems that both answered; {found['only_a']:,} only a, {found['only_b']:,}"
    " only b."
)
pairs_of_runs.metrics(found)
flows, made_of = st.columns(2, gap="large")
with flows:
    st.subheader("From a to b")
    pairs_of_runs.transitions(flow)
with made_of:
    st.subheader("What the gain is made of")
    pairs_of_runs.decomposition(found["decomposition"])
st.subheader("Where they differ")
pairs_of_runs.slices(found["slices"])
st.subheader("Problems")
[step] = moved["steps"]
pairs_of_runs.problems(filter, (a, b), pairs_of_runs.groups(step, found["decomposition"]))
