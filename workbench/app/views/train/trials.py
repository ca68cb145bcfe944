"""Parts of the Train page for A/B tests of subsets: their form, and finished results."""

import json
from typing import Any

import streamlit as st

from data.store import Store, ask
from workbench.app import state
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.views.curate import subset_labels
from workbench.formatting import trial_verdict

METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")
RANDOM = "random"


def words() -> list[str] | None:
    """The arguments of the A/B test that the form describes; None if there are no subsets."""
    kinds = {label: of for label, of in subset_labels.kinds().items() if of}
    if not kinds:
        st.info("No subset is saved yet. Choose rows on the page Curate and save them.")
        return None
    columns = st.columns(5)
    chosen = choices.choose(columns[0].selectbox, "Subset", list(kinds), "trial", format_func=plain,
                            missing="another subset is chosen")  # fmt: skip
    alike = subset_labels.of_kind(kinds[chosen])
    controls = [RANDOM, *(label for label in alike if label != chosen)]
    against = choices.choose(
        columns[1].selectbox,
        "Control",
        controls,
        "against",
        format_func=plain,
        missing="another control is chosen",
    )
    counts = [str(n) for n in range(2, 11)]
    seeds = choices.choose(columns[2].selectbox, "Seeds per subset", counts, "seeds", default="3")
    metric = choices.choose(columns[3].selectbox, "Metric", METRICS, "metric")
    # only GRPO trains on problems
    stages = STAGES[1:] if kinds[chosen] == "problems" else STAGES
    stage = choices.choose(columns[4].selectbox, "Evaluate after", stages, "after")
    options = ["--against", against, "--seeds", seeds, "--metric", metric, "--stage", stage]
    return [chosen, *options]


def results() -> None:
    """The result of each finished A/B test, the newest first."""
    summaries = state.query(_summaries, reads=("runs",))
    if not summaries:
        return
    st.header("A/B results")
    for value in summaries:
        with st.container(border=True):
            st.text(plain(trial_verdict(value)))
            rows = [(value["subset"], "b", 1), (value["against"][0], "a", 0)]
            table(
                [
                    {
                        "trained on": label,
                        f"{value['metric']} after {value['stage']}": f"{value[arm]:.1%}",
                        "by seed": "  ".join(f"{one:.1%}" for one in value["by_seed"][nth]),
                        "problems": value["n"],
                    }
                    for label, arm, nth in rows
                ]
            )


def _summaries(store: Store) -> list[dict[str, Any]]:
    rows = ask(
        store,
        """
        select summary from runs where kind = 'ab' and event = 'done'
        order by ended_at desc, run limit 20
        """,
    )
    return [json.loads(summary) for summary in rows["summary"]]
