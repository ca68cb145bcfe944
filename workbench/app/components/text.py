"""What models and people wrote, as a page shows it: as text, whatever it says, and in folds."""

import re
from collections.abc import Iterable, Sequence
from html import escape

import polars as pl

from data.audit import ANSWER, REASONING, Mark, Piece, pieces
from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN
from workbench.formatting import EDGE, PICTURES, on_page, visible

# what turns the order of the letters that follow, as in a name that ends in exe and shows as txt
TURNS = {code: f"\u27e8U+{code:04X}\u27e9" for code in
         (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}  # fmt: skip
LONGEST = 60_000  # characters of one block on a page; what is between its ends is left out
CELL = 1_000  # characters of a text in a table
TITLE = "cursor: pointer; opacity: 0.75; font-size: 0.85em"
BLOCKS = re.compile(
    "|".join(
        f"(?P<{name}>{re.escape(opened)}(?:(?!{re.escape(opened)}).)*?{re.escape(closed)})"
        for name, opened, closed in (
            (REASONING, REASONING_OPEN, REASONING_CLOSE),
            (ANSWER, ANSWER_OPEN, ANSWER_CLOSE),
        )
    ),
    re.DOTALL,
)


def plain(text: str | None) -> str:
    """`text` for a page: as `visible`, and what would turn letters around by its number."""
    return visible(text or "").translate(TURNS)


def blocks(text: str) -> list[tuple[str, int, int]]:
    """`text` in order: reasoning, answer, or text where it is in neither; [start, end) of each."""
    found, at = [], 0
    for match in BLOCKS.finditer(text):
        if text[at : match.start()].strip():
            found.append(("text", at, match.start()))
        found.append((str(match.lastgroup), *match.span()))
        at = match.end()
    if text[at:].strip() or not found:
        found.append(("text", at, len(text)))
    return found


def folded(text: str, marks: Sequence[Mark] = (), name: str = "text") -> str:
    """HTML with each block of `text` in a fold of its own; every character is escaped.

    name: of what stands in no block
    """
    folds = []
    for kind, start, end in blocks(text):
        title = f"{escape(name if kind == 'text' else kind)}, {end - start:,} characters"
        block = on_page(_of_block(text, start, end, marks))
        folds.append(
            f'<details open style="margin-bottom: 0.5rem"><summary style="{TITLE}">{title}'
            f"</summary>{block}</details>"
        )
    return "".join(folds)


def _of_block(text: str, start: int, end: int, marks: Sequence[Mark]) -> list[Piece]:
    inside = [
        Mark(max(m.start, start) - start, min(m.end, end) - start, m.label)
        for m in marks
        if m.start < end and m.end > start
    ]
    return bearable(pieces(text[start:end], inside))


def bearable(found: Iterable[Piece]) -> list[Piece]:
    """Pieces of one text as a page shows them: as `plain`, and about LONGEST characters at most.

    Marks stay on what they were on; of a long piece, and of very many, the ends are left.
    """
    shown = [Piece(plain(one.text), tuple(map(plain, one.labels))) for one in found]
    if sum(len(one.text) for one in shown) <= LONGEST:
        return shown
    half = LONGEST // EDGE // 2
    if len(shown) > 2 * half:
        between = sum(len(one.text) for one in shown[half:-half])
        shown = [*shown[:half], Piece(_left_out(between), ()), *shown[-half:]]
    room = max(LONGEST // len(shown), EDGE)
    return [Piece(ends(one.text, room), one.labels) for one in shown]


def ends(text: str, most: int = LONGEST) -> str:
    """`text`, or about `most` characters of its two ends."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}{_left_out(len(text) - 2 * half)}{text[-half:]}"


def _left_out(characters: int) -> str:
    return f"\n … {characters:,} characters …\n"


def plain_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` for a table on a page: texts, and texts in lists, as `plain` has them, cut to CELL."""
    seen = {chr(code): chr(picture) for code, picture in PICTURES.items()}
    seen |= {chr(code): number for code, number in TURNS.items()}

    def shown(texts: pl.Expr) -> pl.Expr:
        cut = pl.when(texts.str.len_chars() > CELL).then(texts.str.slice(0, CELL) + " …")
        return cut.otherwise(texts).str.replace_many(seen)

    return rows.with_columns(
        shown(pl.col(pl.String)), pl.col(pl.List(pl.String)).list.eval(shown(pl.element()))
    )
