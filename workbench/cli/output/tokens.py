"""What `tokens` prints: the text with coloured tokens, and those with the largest numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.cli.output.tables import show, table
from workbench.formatting import visible

if TYPE_CHECKING:
    from rich.text import Text

LISTED = 12  # tokens
# of each measure, the numbers [nats] from which a token has the next of the colours
STEPS = {
    "logp": (0.1, 0.7, 2.3, 4.6),
    "entropy": (0.1, 0.5, 1.0, 2.0),
    "kl": (0.01, 0.1, 0.5, 1.0),
    "mismatch": (0.001, 0.01, 0.05, 0.2),
}
COLOURS = ("", "#f5d90a", "#f5a623", "#e5484d", "#ab1d2f")
ON_COLOUR = "#000000"


def tokens(value: dict[str, Any], by: str) -> None:
    """The text, then the tokens with the largest numbers of what the colours show."""
    rows = value["tokens"]
    worst = sorted(range(len(rows)), key=lambda n: -(token_number(rows[n], by) or 0))[:LISTED]
    listed = [
        [str(n + 1), repr(rows[n]["text"]) if rows[n]["text"] else "(end)",
         *(_shown(rows[n][name]) for name in ("logp", "entropy", "kl", "sampled"))]
        for n in worst
    ]  # fmt: skip
    columns = ["token", "text", "log-probability", "entropy", "KL", "the sampler's"]
    title = f"{value['model']}: {len(rows):,} tokens, coloured by {by} (nats)"
    show(title, _text(rows, by), table(f"The largest by {by}", columns, listed))
    if value["tokens_left_out"]:
        show(f"{value['tokens_left_out']:,} more tokens were not scored.")
    if sampler := value["sampler"]:
        show(
            "The sampler wrote the same tokens again: KL(sampler || trainer)"
            f" {_shown(sampler['kl'])}, largest difference {_shown(sampler['largest'])} nats."
            if sampler["same"]
            else "The sampler wrote another text this time, so its probabilities are unknown."
        )


def _text(rows: list[dict[str, Any]], by: str) -> "Text":
    from rich.text import Text

    drawn = Text()
    for row in rows:
        drawn.append(visible(row["text"]), style=token_style(token_number(row, by), by))
    return drawn


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.4g}"


def token_number(token: Mapping[str, Any], by: str) -> float | None:
    """What colours a token: surprise for `logp`, distance from the sampler's for `mismatch`."""
    if by == "logp":
        return -token["logp"]
    if by == "mismatch":
        return None if token["sampled"] is None else abs(token["logp"] - token["sampled"])
    return token[by]


def token_style(number: float | None, by: str) -> str:
    """The style of a token, as rich has it; "" for none."""
    colour = "" if number is None else COLOURS[sum(number >= step for step in STEPS[by])]
    return f"{ON_COLOUR} on {colour}" if colour else ""
