"""Compare: two runs on the same problems: differences, slices, and fixed and regressed problems."""

import streamlit as st

from evals.comparison import SLICINGS, compare, transitions
from evals.scores import NothingInCommon, UnknownRun, default_grader, grader_names
from workbench.app import address, state
from workbench.app.browse import Filter, pairs
from workbench.app.components import choices, plain
from workbench.app.frame import judge_caption
from workbench.app.views.compare import sections
from workbench.app.views.compare.problems import groups, problems
from workbench.formatting import about_different_problems, about_train_problems, comparison_sentence
from workbench.lookup import default_runs

READS = ("scores", "overrides", "problems", "runs")
SLICED = ("steps", "source")  # by default

st.title("Compare")

left, middle, right = st.columns([3, 3, 1])
newest = state.query(default_runs, reads=("runs",))
compared = tuple(filter(None, (address.value("a"), address.value("b")))) or tuple(newest)
fitting = state.query(default_grader, compared, reads=("scores", "runs"))
names = state.query(grader_names, reads=("rubrics",))
grader = choices.choose(right.selectbox, "Grader", names, "grader", default=fitting)
judge_caption(grader)
where = Filter(grader)
names = [name for name, _, _ in pairs.named(state.store(), state.index(grader))]
if len(names) < 2:
    st.info("A comparison needs two evaluations or imports that this grader has graded:")
    state.show_commands(state.FIRST_COMMAND, f"grade --grader {grader}")
    st.stop()

newest = [run for run in newest if run in names]
first, second = newest[-2:] if len(newest) > 1 else names[:2]
a = choices.choose(left.selectbox, "Baseline", names, "a", default=first, pinned=True,
                   format_func=state.name_of)  # fmt: skip
b = choices.choose(middle.selectbox, "Candidate", names, "b", default=second, pinned=True,
                   format_func=state.name_of)  # fmt: skip
if a == b:
    st.info("Choose two different runs.")
    st.stop()

slicing, between = st.columns(2, vertical_alignment="top")
by = choices.choose_several(
    slicing.pills,
    "Break down by",
    list(SLICINGS),
    "by",
    default=SLICED,
    selection_mode="multi",
    format_func=lambda name: "reference answer" if name == "gold" else name,
)
way = choices.choose_several(
    between.multiselect,
    "Intermediate stages",
    [name for name in names if name not in (a, b)],
    "way",
    placeholder="for the chart of transitions",
    select_all=False,
    format_func=state.name_of,
)

try:
    result, moved = state.query(compare.with_transitions, a, b, grader, tuple(by), reads=READS)
    flow = moved
    if way:
        flow = state.query(transitions.transitions, (a, *way, b), grader, reads=READS)
except (NothingInCommon, UnknownRun) as error:
    st.error("These runs cannot be compared.")
    st.text(state.readable_error(error))
    st.stop()

st.caption(
    f"{result['n']:,} shared problems ({result['only_a']:,} only in the baseline,"
    f" {result['only_b']:,} only in the candidate)"
)
for note in (
    about_different_problems(result["different"]),
    about_train_problems(result["train_problem_counts"]),
):
    if note:
        st.warning(plain(note))
sentence, copying = st.columns([5, 1], vertical_alignment="center")
sentence.markdown(f"**{plain(comparison_sentence(result))}**")
with copying:
    sections.for_papers(result, (state.name_of(a), state.name_of(b)))
sections.metrics(result)
flows, causes = st.columns(2, gap="large")
with flows:
    st.header("Transitions")
    sections.transitions(flow)
with causes:
    st.header("Why accuracy changed")
    sections.gain_causes(result["decomposition"], grader)
st.header("Differences by slice")
sections.slices(result["slices"])
st.header("Problems")
[step] = moved["steps"]
problems(where, (a, b), groups(step, result["decomposition"]))
