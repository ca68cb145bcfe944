"""What `tokens` prints: the text with coloured tokens, and those with the largest numbers."""

from typing import TYPE_CHECKING, Any

from workbench.cli.output.tables import show, table
from workbench.formatting import token_number, token_style, visible

if TYPE_CHECKING:
    from rich.text import Text

LISTED = 12  # tokens


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
