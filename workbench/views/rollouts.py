"""Rollouts: what GRPO did at each step, and the groups that it learned from."""

import streamlit as st

from evals import rollout_steps
from workbench import groups_of_rollouts, session, unasked

st.title("Rollouts")

known = session.answer(rollout_steps.runs, reads=("runs",))
if known.is_empty():
    st.info("No run of GRPO is there yet. After a cold start, or as a part of the whole job:")
    st.code(f"{session.FIRST}\nthinkbench grpo", language="shell")
    st.stop()

run = session.chosen(st.selectbox, "Run", known["run"].to_list(), "run", stays=True)
steps = session.answer(rollout_steps.steps, run, reads=("rollouts",))
series = session.answer(rollout_steps.series, run, reads=("metrics",))
if steps.is_empty() and series.is_empty():
    st.info("This run has told nothing yet: its first numbers come after a few steps.")
    st.stop()

step = groups_of_rollouts.step_of_page(steps)
if step is not None:  # into the address: the last is another one while the run goes on
    unasked.note("step", [str(step)])
groups_of_rollouts.events(session.answer(rollout_steps.events, run, reads=("metrics",)))
groups_of_rollouts.by_step(
    steps,
    series,
    session.answer(rollout_steps.parts, run, reads=("rollouts",)),
    session.answer(rollout_steps.events, run, reads=("metrics",)),
    step,
)
if step is None:
    st.info("No rollout of this run is stored yet.")
    st.stop()
st.subheader("Groups")
groups_of_rollouts.groups(run, steps)
