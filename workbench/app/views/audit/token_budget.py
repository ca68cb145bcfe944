"""Part of the Audit page: the answers that fit a token budget, and the rows that do not."""

import shlex

import streamlit as st

from evals.audit import token_budget
from workbench.app import address, state
from workbench.app.components import charts, choices, plain
from workbench.app.components.table import table

THROUGH_ANSWER = {"answer_end": "total through answer"}  # column -> its title


def survival(source: str, converter: str) -> None:
    """Which answers fit a budget of tokens, and the rows behind each point."""
    tokenizers = state.query(token_budget.tokenizers, source, converter)
    if not tokenizers:
        st.info("No tokens are counted yet. Count them with the model that will be trained:")
        state.show_commands(f"audit {shlex.quote(source)} --model tiny")
        return
    tokenizer = choices.choose(
        st.selectbox, "Tokenizer", tokenizers, "tokenizer", pinned=True, format_func=plain
    )
    rows = state.query(token_budget.token_counts, source, converter, tokenizer)
    wrong = int((~rows["mask_is_exact"]).sum())
    report = st.error if wrong else st.success
    report(f"The loss mask is exact in {rows.height - wrong:,} of {rows.height:,} examples.")
    table([{"part": part, **row} for part, row in token_budget.lengths(rows).items()])
    longest = int(rows["answer_end"].max() or 1)
    budgets = sorted({*charts.steps(longest + 1), *token_budget.BUDGETS})
    st.altair_chart(charts.survival(token_budget.survival(rows, budgets)))
    lost = token_budget.too_long(rows, _budget(longest + 1))
    st.caption(f"{lost.height:,} of {rows.height:,} examples exceed the budget.")
    table(lost, titles=THROUGH_ANSWER)


def _budget(default: int) -> int:
    """The token budget that a person chose, which the address keeps."""
    key = "pick budget"
    st.session_state[key] = address.number("budget", default)
    keep = lambda: address.go({"budget": str(st.session_state[key])})  # noqa: E731
    return st.number_input("Budget, in tokens", min_value=1, key=key, on_change=keep)
