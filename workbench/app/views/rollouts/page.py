"""Rollouts: what GRPO did at each step, and the groups of completions that it learned from."""

import streamlit as st

from evals.rollouts import steps as rollout_steps
from workbench.app import address, state
from workbench.app.components import choices
from workbench.app.views.rollouts import curves
from workbench.app.views.rollouts.find import find
from workbench.app.views.rollouts.groups import groups, step_of_page

st.title("Rollouts")

runs = state.query(rollout_steps.runs, reads=("runs",))
if runs.is_empty():
    st.info("There is no GRPO run yet. Run GRPO after SFT, or the full pipeline:")
    state.show_commands(state.FIRST_COMMAND, "grpo")
    st.stop()

run = choices.choose(st.selectbox, "Run", runs["run"].to_list(), "run", pinned=True)
steps = state.query(rollout_steps.steps, run, reads=("rollouts",))
series = state.query(rollout_steps.series, run, reads=("metrics",))
if steps.is_empty() and series.is_empty():
    st.info("No metrics yet: the first come after a few steps.")
    st.stop()

step = step_of_page(steps)
if step is not None:  # into the address: the last step changes while the run goes on
    address.set_default("step", [str(step)])
events = state.query(rollout_steps.guard_events, run, reads=("metrics",))
curves.warnings(events)
parts = state.query(rollout_steps.reward_parts, run, reads=("rollouts",))
curves.by_step(steps, series, parts, events, step)
if step is None:
    st.info("No rollout of this run is stored yet.")
    st.stop()
find(run)
st.subheader("Groups")
groups(run, steps)
