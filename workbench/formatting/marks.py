"""Texts with marked spans, for a terminal and for a page. Nothing in a text is markup."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from data.audit import ANSWER, REASONING, Piece
from data.conversion import SEVERITY, WARNING
from workbench.formatting.unsafe_characters import visible

if TYPE_CHECKING:
    from rich.text import Text

EDGE = 300  # characters shown at each end of a long text without a defect
TERMINAL = {REASONING: "green", ANSWER: "cyan"}
DEFECT_IN_TERMINAL = "reverse red"
PAGE = {REASONING: "#30a46c", ANSWER: "#0090ff"}  # visible on white and on black
ERROR_ON_PAGE, WARNING_ON_PAGE = "#e5484d", "#f5a623"


def elided(text: str) -> str:
    """`text`, or its ends and the number of characters between; control characters as pictures."""
    text = visible(text)
    if len(text) <= 3 * EDGE:
        return text
    return f"{text[:EDGE]} … {len(text) - 2 * EDGE:,} characters … {text[-EDGE:]}"


def is_defect(piece: Piece) -> bool:
    return any(label not in PAGE for label in piece.labels)


def in_terminal(pieces: Iterable[Piece]) -> "Text":
    """Coloured text; each defect is followed by its name, which colour alone would not tell."""
    from rich.text import Text

    drawn = Text()
    for piece in pieces:
        defect = is_defect(piece)
        colours = [TERMINAL[label] for label in piece.labels if label in TERMINAL]
        style = DEFECT_IN_TERMINAL if defect else "".join(colours[:1])
        drawn.append(visible(piece.text) if defect else elided(piece.text), style)
        if defect:
            phrases = ", ".join(label for label in piece.labels if label not in TERMINAL)
            drawn.append(f" [{phrases}]", "bold red")
    return drawn


def on_page(pieces: Iterable[Piece]) -> str:
    """HTML in which every character of the text is escaped; a mark shows its labels on hover."""
    spans = []
    for piece in pieces:
        if not piece.labels:
            spans.append(escape(piece.text))
            continue
        labels = escape(", ".join(piece.labels), quote=True)
        if is_defect(piece):
            mild = all(SEVERITY.get(label, WARNING) == WARNING for label in piece.labels)
            colour = WARNING_ON_PAGE if mild else ERROR_ON_PAGE
            look = f"background: {colour}55; outline: 1px solid {colour}"
        else:
            look = f"background: none; border-bottom: 2px solid {PAGE[piece.labels[0]]}"
        spans.append(
            f'<mark style="color: inherit; {look}" title="{labels}">'
            f"{escape(piece.text) or '&#8203;'}</mark>"
        )
    return (
        '<pre tabindex="0" style="white-space: pre-wrap; overflow-wrap: anywhere;'
        # a parser drops the first newline after the tag
        f' max-height: 36rem; overflow-y: auto; margin: 0">\n{"".join(spans)}</pre>'
    )
