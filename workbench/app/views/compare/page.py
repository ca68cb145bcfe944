"""Compare: two runs on the same problems: how much differs, where, and what was fixed or broken."""

import streamlit as st

from evals.comparison import SLICINGS, compare, transitions
from evals.graders import GRADERS
from evals.scores import NothingInCommon, UnknownRun
from workbench.app import state
from workbench.app.browse import Filter, pairs
from workbench.app.components import plain
from workbench.app.views.compare import sections
from workbench.lookup import default_runs

READS = ("scores", "overrides", "problems")
SLICED = ("steps", "source")  # where nobody chose

st.title("Compare")

left, middle, right = st.columns([3, 3, 1])
grader = state.chosen(right.selectbox, "Grader", list(GRADERS), "grader")
filter = Filter(grader)
names = [name for name, _, _ in pairs.named(state.store(), state.index(grader))]
if len(names) < 2:
    st.info("To compare takes two evaluations, or imports, that this grader has graded:")
    st.code(f"{state.FIRST}\nthinkbench grade --grader {grader}", language="shell")
    st.stop()

newest = [run for run in state.answer(default_runs, reads=("runs",)) if run in names]
first, second = newest[-2:] if len(newest) > 1 else names[:2]
a = state.chosen(left.selectbox, "a", names, "a", default=first, stays=True)
b = state.chosen(middle.selectbox, "b", names, "b", default=second, stays=True)
if a == b:
    st.info("Choose two different runs.")
    st.stop()

slicing, between = st.columns(2, vertical_alignment="top")
by = state.several(
    slicing.pills, "Slices of problems", list(SLICINGS), "by", usual=SLICED, selection_mode="multi"
)
way = state.several(
    between.multiselect,
    "By way of",
    [name for name in names if name not in (a, b)],
    "way",
    placeholder="other stages, for the flow chart",
    select_all=False,
)

try:
    found, moved = state.answer(compare.with_transitions, a, b, grader, tuple(by), reads=READS)
    flow = moved
    if way:
        flow = state.answer(transitions.transitions, (a, *way, b), grader, reads=READS)
except (NothingInCommon, UnknownRun) as error:
    st.error("These cannot be compared.")
    st.text(plain(str(error)))
    st.stop()

st.caption(
    f"{found['n']:,} problems that both answered; {found['only_a']:,} only a, {found['only_b']:,}"
    " only b."
)
sections.metrics(found)
flows, made_of = st.columns(2, gap="large")
with flows:
    st.subheader("From a to b")
    sections.transitions(flow)
with made_of:
    st.subheader("What the gain is made of")
    sections.decomposition(found["decomposition"])
st.subheader("Where they differ")
sections.slices(found["slices"])
st.subheader("Problems")
[step] = moved["steps"]
sections.problems(filter, (a, b), sections.groups(step, found["decomposition"]))
