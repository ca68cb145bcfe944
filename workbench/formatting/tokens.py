"""Colours of tokens, for a terminal and for a page: the larger its number, the redder a token."""

from collections.abc import Mapping
from html import escape
from typing import Any

from workbench.formatting.unsafe_characters import visible

# of each measure, the numbers [nats] from which a token has the next of the colours
STEPS = {
    "logp": (0.1, 0.7, 2.3, 4.6),
    "entropy": (0.1, 0.5, 1.0, 2.0),
    "kl": (0.01, 0.1, 0.5, 1.0),
    "mismatch": (0.001, 0.01, 0.05, 0.2),
}
COLOURS = ("", "#f5d90a", "#f5a623", "#e5484d", "#ab1d2f")
ON_COLOUR = "#000000"


def token_number(token: Mapping[str, Any], by: str) -> float | None:
    """What colours a token: surprise for `logp`, distance from the sampler's for `mismatch`."""
    if by == "logp":
        return -token["logp"]
    if by == "mismatch":
        return None if token["sampled"] is None else abs(token["logp"] - token["sampled"])
    return token[by]


def token_colour(number: float | None, by: str) -> str:
    """The colour behind a token; "" for none."""
    return "" if number is None else COLOURS[sum(number >= step for step in STEPS[by])]


def token_style(number: float | None, by: str) -> str:
    """The same as a style of rich."""
    colour = token_colour(number, by)
    return f"{ON_COLOUR} on {colour}" if colour else ""


def tokens_html(tokens: list[Mapping[str, Any]], by: str) -> str:
    """The text with coloured tokens, whose numbers are shown when they are pointed at."""
    spans = []
    for token in tokens:
        numbers = [f"{name} {token[name]:.4g}" for name in ("logp", "entropy", "kl", "sampled")
                   if token[name] is not None]  # fmt: skip
        colour = token_colour(token_number(token, by), by)
        style = f"color:{ON_COLOUR};background:{colour}" if colour else ""
        text = escape(visible(token["text"])) or "⏎"
        spans.append(f'<span title="{" · ".join(numbers)}" style="{style}">{text}</span>')
    return f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{"".join(spans)}</div>'
