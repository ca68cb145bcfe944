"""Parts of the Train page for trials: which subset against what, and what finished trials say."""

import json
from typing import Any

import streamlit as st

from data.store import Store, ask
from workbench.app import state
from workbench.app.components import plain
from workbench.app.components.table import table
from workbench.app.views.curate import subset_choice
from workbench.formatting import trial_verdict

METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")
RANDOM = "random"


def words() -> list[str] | None:
    """What the command line takes of the trial that the form describes; None without subsets."""
    kinds = {label: of for label, of in subset_choice.kinds().items() if of}
    if not kinds:
        st.info("No subset is kept yet. Choose rows on the page Curate and save them.")
        return None
    columns = st.columns(5)
    known = list(kinds)
    chosen = state.chosen(columns[0].selectbox, "Subset", known, "trial", format_func=plain,
                            missing="another subset is chosen")  # fmt: skip
    alike = subset_choice.of_kind(kinds[chosen])
    others = [RANDOM, *(label for label in alike if label != chosen)]
    against = state.chosen(columns[1].selectbox, "Against", others, "against", format_func=plain,
                             missing="another one is chosen to stand against")  # fmt: skip
    counts = [str(n) for n in range(2, 11)]
    seeds = state.chosen(columns[2].selectbox, "Seeds of each", counts, "seeds", default="3")
    metric = state.chosen(columns[3].selectbox, "Metric", METRICS, "metric")
    # problems are asked by GRPO alone
    stages = STAGES[1:] if kinds[chosen] == "problems" else STAGES
    stage = state.chosen(columns[4].selectbox, "After", stages, "after")
    said = ["--against", against, "--seeds", seeds, "--metric", metric, "--stage", stage]
    return [chosen, *said]


def finished() -> None:
    """What each trial that is done says, the newest first."""
    found = state.answer(_finished, reads=("runs",))
    if not found:
        return
    st.subheader("Trials")
    for value in found:
        with st.container(border=True):
            st.text(plain(trial_verdict(value)))
            rows = [(value["subset"], "b", 1), (value["against"][0], "a", 0)]
            table(
                [
                    {
                        "learned from": label,
                        f"{value['metric']} after {value['stage']}": f"{value[arm]:.1%}",
                        "by seed": "  ".join(f"{one:.1%}" for one in value["by_seed"][place]),
                        "problems": value["n"],
                    }
                    for label, arm, place in rows
                ]
            )


def _finished(store: Store) -> list[dict[str, Any]]:
    rows = ask(
        store,
        """
        select summary from runs where kind = 'ab' and event = 'done'
        order by ended_at desc, run limit 20
        """,
    )
    return [json.loads(summary) for summary in rows["summary"]]
