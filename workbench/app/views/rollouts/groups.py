"""Part of the Rollouts page: the groups of one step, and the completions of one group."""

from collections import Counter
from typing import Any

import polars as pl
import streamlit as st

from evals.rollouts import steps as rollout_steps
from workbench.app import address, state
from workbench.app.components import (
    RAW,
    charts,
    choices,
    generation,
    is_raw,
    plain,
    prev_next,
    show_text,
    switches,
)
from workbench.app.components.row_picker import row_picker
from workbench.app.components.table import table
from workbench.app.views.rollouts.curves import named

COLUMNS = 4  # completions in a row


def step_of_page(steps: pl.DataFrame) -> int | None:
    """The stored step nearest to the one in the address, else the last; None if none is stored."""
    stored = steps["step"].to_list()
    if not stored:
        return None
    return _nearest(stored, address.number("step", stored[-1], least=0))


def _nearest(steps: list[int], step: int) -> int:
    return min(steps, key=lambda one: abs(one - step))


@st.fragment
def groups(run: str, steps: pl.DataFrame) -> None:
    """The groups of a step, and the completions of one of them."""
    step = _choose_step(steps["step"].to_list())
    rows = state.query(rollout_steps.groups, run, step, reads=("rollouts", "problems"))
    ids = _ids(rows["group"].to_list())
    group = _position(ids)
    row_picker(
        rows,
        ids,
        f"groups of {run} {step}",
        lambda group: address.go({"group": group}),
        titles={"spread": "std of reward", "gold": "reference answer", "n": "completions"},
        look={
            name: st.column_config.NumberColumn(title, format="%.2f")
            for name, title in (
                ("reward", "reward"),
                ("spread", "std of reward"),
                ("best", "best"),
            )
        },
    )
    row = rows.row(group, named=True)
    _choose_group(run, step, group, ids)
    switches(RAW)
    generation.problem(row["problem_id"])
    if row["spread"] is not None and row["spread"] < 1e-9:
        st.info("Zero-variance group: all rewards are the same, so nothing is learned from it.")
    completions = state.query(
        rollout_steps.completions, run, step, row["group"], reads=("rollouts",)
    )
    for first in range(0, len(completions), COLUMNS):
        in_row = completions[first : first + COLUMNS]
        for column, completion in zip(st.columns(COLUMNS), in_row, strict=False):
            with column:
                _completion(completion)
    _over_time(run, row["problem_id"], step)
    _discarded(run, step)


def _discarded(run: str, step: int) -> None:
    """Groups of the step that were replaced, because their answers were not mixed."""
    tries = state.query(rollout_steps.discarded_tries, run, step, reads=("rollouts", "problems"))
    if tries.is_empty():
        return
    groups = f"{tries.height:,} group{'s' if tries.height > 1 else ''}"
    fold = choices.fold(f"Discarded in this step: {groups}", "discarded")
    if fold.open:
        fold.caption(
            "Replaced by a group of another problem, because they had no correct answer, or no"
            " incorrect one. They were not trained on, and count in pass rates."
        )
        table(tries, into=fold)


def _choose_step(steps: list[int]) -> int:
    step = _nearest(steps, address.number("step", steps[-1], least=0))
    at = steps.index(step)

    def move(by: int) -> None:
        # from the current address: of two quick clicks the second goes on from the first
        now = steps.index(_nearest(steps, address.number("step", steps[-1], least=0))) + by
        address.go({"step": str(steps[min(max(now, 0), len(steps) - 1)]), "group": None})

    before, after, slider = st.columns([1, 1, 4], vertical_alignment="bottom")
    prev_next.buttons(
        (before, after), move, before=at > 0, after=at + 1 < len(steps), what="step", keys=False
    )
    key = "pick step"
    st.session_state[key] = step

    def pick() -> None:
        address.go({"step": str(st.session_state[key]), "group": None})

    slider.select_slider("Step", steps, key=key, on_change=pick)
    return step


def _ids(numbers: list[int]) -> list[str]:
    """The group of each row as the address has it: its number, which the store gives it.

    A log may have several problems under one number: the second is 3.1.
    """
    before: Counter[int] = Counter()
    ids = []
    for number in numbers:
        ids.append(f"{number}.{before[number]}" if before[number] else str(number))
        before[number] += 1
    return ids


def _position(ids: list[str]) -> int:
    """Where the group of the address is; the first where it names none of the step."""
    group = address.value("group")
    return ids.index(group) if group in ids else 0


def _choose_group(run: str, step: int, group: int, ids: list[str]) -> None:
    of = len(ids)

    def move(by: int) -> None:
        # from the current address: of two quick clicks the second goes on from the first
        address.go({"group": ids[min(max(_position(ids) + by, 0), of - 1)]})

    def go(at: int) -> None:
        if address.number("step", step, least=0) == step:  # not after a change of the step
            address.go({"group": ids[at - 1]})

    before, after, position = st.columns([1, 1, 4], vertical_alignment="center")
    prev_next.buttons((before, after), move, before=group > 0, after=group + 1 < of, what="group")
    with position:
        prev_next.position(group + 1, of, f"{run} {step}", go)


def _completion(row: dict[str, Any]) -> None:
    truncated = ", truncated" if row["finish"] == "length" else ""
    lines = [
        f"sample {row['sample']}: reward {_number(row['reward'])},"
        f" advantage {_number(row['advantage'], '+.2f')}",
        f"{_count(row['tokens'])} tokens{truncated}",
        *(f"{one['name'][:60]} {_number(one['value'])} × {one['weight']:g}"  # noqa: RUF001
          for one in row["rewards"]),
    ]  # fmt: skip
    st.text(plain("\n".join(lines)))
    show_text(row["text"], raw=is_raw())


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _number(value: float | None, form: str = ".2f") -> str:
    return "unknown" if value is None or value != value else f"{value:{form}}"


def _over_time(run: str, problem: str, step: int) -> None:
    """The mean reward and accuracy of a problem at each step that sampled it."""
    sampled = state.query(rollout_steps.problem_history, run, problem, reads=("rollouts",))
    if sampled.height < 2:
        st.caption("Sampled once in this run.")
        return
    fold = choices.fold(f"This problem over time: sampled {sampled.height:,} times", "over-time")
    if fold.open:
        fold.caption("Mean reward and accuracy at each step that sampled this problem")
        curves = [named(sampled, "reward"), named(sampled, "right", "correct")]
        rows = pl.concat(curves).drop_nulls("value")
        fold.altair_chart(charts.curve(rows, [], step))
