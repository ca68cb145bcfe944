"""Parts of the rollouts page: curves by step, what guards saw, and one group in full."""

from typing import Any

import polars as pl
import streamlit as st

from evals.rollouts import steps as rollout_steps
from workbench.app import state
from workbench.app.components import (
    charts,
    generation,
    plain,
    plain_columns,
    prev_next,
    row_picker,
    text,
)
from workbench.app.components.table import table

ABREAST = 4  # completions in a row
# title of a curve -> metrics of the run that it shows, the commonest first
CURVES = {
    "KL to the start [nats a token]": ("actor/train/kl",),
    "entropy [nats a token]": ("actor/train/entropy",),
    "held-out answers right": ("heldout/answer",),
    "format and answers right": ("rollout/format", "rollout/answer"),
    "empty completions, resampled groups": ("rollout/empty", "rollout/resampled_groups"),
    "gradient norm": ("actor/train/grad_norm",),
}


def events(found: pl.DataFrame) -> None:
    """What guards saw, or that they saw nothing."""
    if found.is_empty():
        st.success("No guard saw a sign of collapse.")
        return
    st.warning(
        "Guards saw signs of collapse; docs/decisions/0003-grpo-that-holds.md says what they mean."
    )
    table(found)


def by_step(
    steps: pl.DataFrame,
    series: pl.DataFrame,
    parts: pl.DataFrame,
    seen: pl.DataFrame,
    step: int | None,
) -> None:
    """Small curves, three in a row; a rule is where a guard first saw something."""
    curves: dict[str, pl.DataFrame] = {}
    if not steps.is_empty():
        curves["reward, by part"] = pl.concat(
            [parts, steps.select(pl.lit("all parts").alias("name"), "step", pl.col("reward")
                                 .alias("value"))]
        )  # fmt: skip
        curves["length [tokens]"] = _named(steps, "tokens")
        curves["groups of one reward, completions cut off [share]"] = pl.concat(
            [_named(steps, "zero_variance", "zero variance"), _named(steps, "truncated")]
        )
    for title, names in CURVES.items():
        rows = series.filter(pl.col("name").is_in(names))
        if not rows.is_empty():
            curves[title] = rows
    marks = seen["first"].to_list()
    plain_curves = {title: plain_columns(rows) for title, rows in curves.items()}
    drawn = charts.curves(plain_curves, marks, step, state.ink())
    # its width is its own: in a narrow window this block scrolls sideways, rather than the page
    block = st.container(horizontal=True, wrap=False).container()
    # room inside the block for the chart's own buttons, which it would else cut off
    block.caption("By step. Grey: the step shown below. Red: where a guard first saw a sign.")
    block.altair_chart(drawn, width="content")


def _named(steps: pl.DataFrame, column: str, name: str = "") -> pl.DataFrame:
    return steps.select(pl.lit(name or column).alias("name"), "step", pl.col(column).alias("value"))


def step_of_page(steps: pl.DataFrame) -> int | None:
    """The stored step that the address names, or the last; None where none is stored."""
    known = steps["step"].to_list()
    if not known:
        return None
    asked = state.number("step", known[-1], least=0)
    return min(known, key=lambda one: abs(one - asked))


@st.fragment
def groups(run: str, steps: pl.DataFrame) -> None:
    """The groups of a step, and the completions of one of them."""
    known = steps["step"].to_list()
    step = step_of_page(steps)
    assert step is not None
    at = known.index(step)
    before, after, pick = st.columns([1, 1, 4], vertical_alignment="bottom")
    for column, label, by in ((before, "Step back", -1), (after, "Step on", 1)):
        column.button(label, disabled=not 0 <= at + by < len(known), on_click=_step,
                      args=(known, by), width="stretch")  # fmt: skip
    key = "pick step"
    st.session_state[key] = step
    pick.select_slider("Step", known, key=key, on_change=_pick_step)
    found = state.answer(rollout_steps.groups, run, step, reads=("rollouts", "problems"))
    group = min(state.number("group", 0, least=0), found.height - 1)
    row_picker.table(
        found,
        [str(place) for place in range(found.height)],
        f"groups of {run} {step}",
        lambda group: state.go({"group": group}),
        look=dict.fromkeys(
            ("reward", "spread", "best"), st.column_config.NumberColumn(format="%.2f")
        ),
    )
    row = found.row(group, named=True)
    _turn(run, step, group, found.height)
    generation.problem(row["problem_id"])
    if row["spread"] < 1e-9:
        st.info("All rewards of this group are the same: nothing is learned from it.")
    rows = state.answer(rollout_steps.completions, run, step, row["group"], reads=("rollouts",))
    for first in range(0, len(rows), ABREAST):
        for column, one in zip(st.columns(ABREAST), rows[first : first + ABREAST], strict=False):
            with column:
                _completion(one)
    _over_time(run, row["problem_id"], step)


def _turn(run: str, step: int, group: int, of: int) -> None:
    def go(at: int) -> None:
        if state.number("step", step, least=0) == step:  # not after a turn to another step
            state.go({"group": str(at - 1)})

    before, after, where = st.columns([1, 1, 4], vertical_alignment="center")
    for column, label, by, arrow in ((before, "Previous", -1, "←"), (after, "Next", 1, "→")):
        column.button(label, disabled=not 0 <= group + by < of, help=f"or the key {arrow}",
                      on_click=_turned, args=(by, of), width="stretch")  # fmt: skip
    with where:
        prev_next.place(group + 1, of, f"{run} {step}", go)


def _turned(by: int, of: int) -> None:
    group = min(max(state.number("group", 0, least=0) + by, 0), of - 1)
    state.go({"group": str(group)})


def _step(known: list[int], by: int) -> None:
    asked = state.number("step", known[-1], least=0)
    at = known.index(min(known, key=lambda one: abs(one - asked))) + by
    state.go({"step": str(known[min(max(at, 0), len(known) - 1)]), "group": None})


def _pick_step() -> None:
    state.go({"step": str(st.session_state["pick step"]), "group": None})


def _completion(row: dict[str, Any]) -> None:
    cut = ", cut off" if row["finish"] == "length" else ""
    parts = [f"{one['name'][:60]} {_number(one['value'])} times {one['weight']:g}"
             for one in row["rewards"]]  # fmt: skip
    st.text(
        plain(
            "\n".join(
                [
                    f"sample {row['sample']}: reward {_number(row['reward'])},"
                    f" advantage {_number(row['advantage'], '+.2f')}",
                    f"{row['tokens']:,} tokens in all{cut}",
                    *parts,
                ]
            )
        )
    )
    st.html(text.folded(row["text"]))


def _number(value: float | None, form: str = ".2f") -> str:
    return "unknown" if value is None or value != value else format(value, form)


def _over_time(run: str, problem: str, step: int) -> None:
    met = state.answer(rollout_steps.problem_history, run, problem, reads=("rollouts",))
    if met.height < 2:
        st.caption("The run met this problem once.")
        return
    fold = state.folded(f"This problem over time: met {met.height:,} times", "over-time")
    if fold.open:
        fold.caption("Mean reward, and share right, whenever the run met it")
        rows = pl.concat([_named(met, "reward"), _named(met, "right")]).drop_nulls("value")
        fold.altair_chart(charts.curve(rows, [], step))
