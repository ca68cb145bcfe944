"""Rollouts: what GRPO did at each step, and the groups that it learned from."""

import streamlit as st

from evals.rollouts import steps as rollout_steps
from workbench.app import address, state
from workbench.app.views.rollouts import sections

st.title("Rollouts")

known = state.answer(rollout_steps.runs, reads=("runs",))
if known.is_empty():
    st.info("No run of GRPO is there yet. After a cold start, or as a part of the whole job:")
    st.code(f"{state.FIRST}\nthinkbench grpo", language="shell")
    st.stop()

run = state.chosen(st.selectbox, "Run", known["run"].to_list(), "run", stays=True)
steps = state.answer(rollout_steps.steps, run, reads=("rollouts",))
series = state.answer(rollout_steps.series, run, reads=("metrics",))
if steps.is_empty() and series.is_empty():
    st.info("This run has told nothing yet: its first numbers come after a few steps.")
    st.stop()

step = sections.step_of_page(steps)
if step is not None:  # into the address: the last is another one while the run goes on
    address.note("step", [str(step)])
sections.events(state.answer(rollout_steps.guard_events, run, reads=("metrics",)))
sections.by_step(
    steps,
    series,
    state.answer(rollout_steps.reward_parts, run, reads=("rollouts",)),
    state.answer(rollout_steps.guard_events, run, reads=("metrics",)),
    step,
)
if step is None:
    st.info("No rollout of this run is stored yet.")
    st.stop()
st.subheader("Groups")
sections.groups(run, steps)
