"""Part of the Overview: a card for each stage: its accuracy and the change since the one before."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from workbench.app.components import escaped
from workbench.formatting import change, counted, p_value

MOST = 4  # cards in a row


def accuracy_cards(stages: Sequence[dict[str, Any]], comparisons: Sequence[dict[str, Any]]) -> None:
    """The accuracy of each stage with its interval, and the change to the one before.

    stages, comparisons: of `evals.comparison.compare`, in the order of stages
    """
    accuracy = {
        (row["from_run"], row["from"], row["to_run"], row["to"]): row
        for row in comparisons
        if row["metric"] == "answer"
    }
    for first in range(0, len(stages), MOST):
        columns = st.columns(min(MOST, max(len(stages), 3)))
        for nth, column in zip(range(first, min(first + MOST, len(stages))), columns, strict=False):
            now = stages[nth]
            before = stages[nth - 1] if nth else None
            changed = None
            if before is not None:
                key = before["run"], before["stage"], now["run"], now["stage"]
                changed = accuracy.get(key)
            with column.container(border=True, height="stretch"):
                _card(now, before, changed)


def _card(
    now: dict[str, Any], before: dict[str, Any] | None, changed: dict[str, Any] | None
) -> None:
    answer = now["answer"]
    st.metric(
        escaped(now["stage"]),
        _percent(answer),
        delta=_points(changed),
        delta_color="normal" if changed and _is_clear(changed) else "off",
        help="Accuracy, and the difference to the card before on their shared problems. It is grey"
        " where its 95 % interval includes no change.",
    )
    lines = [f"{_interval(answer)}, {counted(now['n'], 'problem')}"]
    if changed and before and changed["difference"] is not None:
        p = p_value(changed["p"])
        lines.append(f"{change(changed)} since {before['stage']}, p {p}")
        lines.append(f"{changed['fixed']:,} fixed, {changed['broken']:,} regressed")
    lines.append(f"format {_percent(now['format'])}, within 10 % {_percent(now['partial'])}")
    st.caption("  \n".join(map(escaped, lines)))


def _percent(share: dict[str, Any] | None) -> str:
    return "unknown" if share is None or share["value"] is None else f"{share['value']:.1%}"


def _interval(share: dict[str, Any] | None) -> str:
    if share is None or share["value"] is None:
        return "no verdicts"
    return f"95 %: {100 * share['low']:.1f} to {100 * share['high']:.1f}"


def _points(changed: dict[str, Any] | None) -> str | None:
    if changed is None or changed["difference"] is None:
        return None
    return f"{100 * changed['difference']:+.1f} points"


def _is_clear(changed: dict[str, Any]) -> bool:
    return changed["low"] is not None and not changed["low"] <= 0 <= changed["high"]
