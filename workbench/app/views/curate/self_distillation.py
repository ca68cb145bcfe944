"""Part of the Curate page: training records from a model's own correct answers.

This is rejection sampling for SFT (evals/curation/rejection_sampling.py).
"""

from urllib.parse import urlencode

import streamlit as st

from data.sources.cards import cards
from data.store import Store, annotations, ask
from evals.curation import PICKS, add_rejection_sample
from workbench.app import state
from workbench.app.components.table import table
from workbench.formatting import error_message

# count of evals/curation/rejection_sampling.py -> label
COUNTS = {
    "read": "read",
    "test": "left out: problem of a test or validation split, or missing from the store",
    "unknown": "left out: not graded",
    "wrong": "left out: incorrect",
    "doubled": "left out: duplicate text for the same problem",
    "beyond": "left out: correct, but above the maximum per problem",
    "kept": "kept",
    "new": "new records",
    "converted": "examples of the source, with earlier ones",
    "quarantined": "quarantined rows of the source, with earlier ones",
}


def form() -> None:
    """A form that makes training records of correct answers to training problems."""
    runs = state.query(_with_answers, reads=("runs", "rollouts"))
    if not runs:
        st.info("No run has answers to training problems yet. GRPO makes them while it trains:")
        state.show_commands(state.FIRST_COMMAND)
        return
    st.caption(
        "Correct answers of a model become records of a source of their own, which is converted and"
        " audited like any other. Answers to problems of a test split are left out."
    )
    if not state.may_write():
        st.info("Read-only mode: no records can be made.")
        return
    with st.form("own answers"):
        hint = "letters, digits, points, _ and -; a new one, or one that was made here"
        name = st.text_input("Name of the source", max_chars=60, placeholder=hint)
        chosen = st.multiselect("Runs", runs, default=runs[:1], select_all=False,
                                format_func=state.name_of)  # fmt: skip
        left, right = st.columns(2)
        pick = left.selectbox("Selection", list(PICKS),
                              format_func=lambda one: f"{one}: {PICKS[one]}")  # fmt: skip
        per_problem = right.number_input("Max per problem", 1, 64, 1)
        sent = st.form_submit_button("Create training data", type="primary")
    if sent:
        _create(name.strip(), chosen, str(pick), int(per_problem))


def _create(name: str, runs: list[str], pick: str, per_problem: int) -> None:
    try:
        _check(name, runs)
        with st.spinner("Reading answers"):
            counts = add_rejection_sample(state.store(), name, runs, pick, per_problem)
    except ValueError as error:
        message = error_message(error)
        if message is None:
            raise
        st.error("No records were made.")
        st.text(state.readable_error(message))
        return
    examples = f"the source now has {counts['converted']:,} examples"
    st.success(f"{counts['new']:,} new records; {examples}.")
    st.link_button("Choose from them", f"curate?{urlencode({'source': counts['source']})}")
    table([{"answers": label, "count": counts[name]} for name, label in COUNTS.items()])


def _check(name: str, runs: list[str]) -> None:
    if not name or not runs:
        raise annotations.BadEntry("The name of the source or the runs are missing. Give both.")
    if name in state.query(_taken, reads=("records",)):
        raise annotations.BadEntry(
            f"The source {name!r} has rows from elsewhere, which would be mixed with these answers."
            " Choose another name."
        )


def _taken(store: Store) -> list[str]:
    """Sources with rows that are not answers of our models, and sources that have a card."""
    rows = ask(
        store,
        """
        select distinct source from records
        where shape <> 'completion' or body->>'$.made_by' is null or body->>'$.run' is null
        """,
    )
    return [*cards(), *rows["source"]]


def _with_answers(store: Store) -> list[str]:
    """GRPO runs with rollouts, and imports, the newest first."""
    rows = ask(
        store,
        """
        select run from runs
        where kind = 'import' and event = 'done' or run in (select distinct run from rollouts)
        order by started_at desc, run
        """,
    )
    return rows["run"].to_list()
