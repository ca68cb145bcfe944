"""Texts of models and people on a page: escaped, shortened, and folded by reasoning and answer."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from html import escape

import polars as pl

from data.audit import ANSWER, REASONING, Mark, Piece, pieces
from data.response_format import ANSWER_CLOSE, ANSWER_OPEN
from evals.graders import thoughts
from workbench.formatting import EDGE, UNSAFE, on_page, visible

LONGEST = 60_000  # characters of one block on a page; the middle of a longer one is left out
CELL = 1_000  # characters of a text in a table
TITLE = "cursor: pointer; opacity: 0.75; font-size: 0.85em"
LONGEST_TAG = 60  # characters
OPENED = re.compile(r"\s{0,9}<\|?[A-Za-z][\w.:-]{0,40}(?: [^<>]{0,60})?\|?>\s{0,9}")
CLOSED = re.compile(r"<(?:/|\|?end_|/?\|)[^<>]{1,50}>\s{0,9}")
ANSWERS = re.compile(
    f"{re.escape(ANSWER_OPEN)}(?:(?!{re.escape(ANSWER_OPEN)}).)*?{re.escape(ANSWER_CLOSE)}",
    re.DOTALL,
)


def plain(text: str | None) -> str:
    """`text` for a page; empty for None."""
    return visible(text or "")


def blocks(text: str) -> list[tuple[str, int, int]]:
    """The parts of `text` in order: (reasoning, answer or text, start, end); end is exclusive.

    Reasoning is a thought of any dialect, also one that never ends.
    """
    parts, at = [], 0
    for kind, start, end in _named(text):
        if text[at:start].strip():
            parts.append(("text", at, start))
        parts.append((kind, start, end))
        at = end
    if text[at:].strip() or not parts:
        parts.append(("text", at, len(text)))
    return parts


def _named(text: str) -> list[tuple[str, int, int]]:
    """Thoughts, and the answers behind and between them."""
    named: list[tuple[str, int, int]] = []
    for one in thoughts(text):  # one that never ends lasts up to the next: they are one block
        start = named.pop()[1] if named and named[-1][2] == one.start else one.start
        named.append((REASONING, start, one.end))
    ends = [end for _, _, end in named]
    for match in ANSWERS.finditer(text):
        nth = bisect_right(ends, match.start())
        if nth == len(ends) or named[nth][1] >= match.end():
            named.append((ANSWER, *match.span()))
    return sorted(named, key=lambda one: one[1])


def folded(text: str, marks: Sequence[Mark] = (), name: str = "text") -> str:
    """HTML with a fold for each block of `text`; every character is escaped.

    name: title of the text outside any block
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
    return shortened(pieces(text[start:end], inside(marks, start, end)))


def inside(marks: Sequence[Mark], start: int, end: int) -> list[Mark]:
    """What of the marks lies in [start, end), counted from start."""
    return [
        Mark(max(m.start, start) - start, min(m.end, end) - start, m.label)
        for m in marks
        if m.start < end and m.end > start
    ]


def without_tags(text: str, start: int, end: int) -> tuple[int, int]:
    """A block without the tags at its two ends and the blanks beside them."""
    if opened := OPENED.match(text, start, end):
        start = opened.end()
    before = text.rfind("<", max(start, end - LONGEST_TAG), end)
    if before >= 0 and CLOSED.fullmatch(text, before, end):
        end = before
    return start, end


def shortened(parts: Iterable[Piece]) -> list[Piece]:
    """Pieces of one text as a page shows them: as `plain`, and about LONGEST characters at most.

    Marks stay on their characters. Long pieces, and long lists of pieces, lose their middle.
    """
    shown = [Piece(plain(one.text), tuple(map(plain, one.labels))) for one in parts]
    if sum(len(one.text) for one in shown) <= LONGEST:
        return shown
    half = LONGEST // EDGE // 2
    if len(shown) > 2 * half:
        between = sum(len(one.text) for one in shown[half:-half])
        shown = [*shown[:half], Piece(_left_out(between), ()), *shown[-half:]]
    room = max(LONGEST // len(shown), EDGE)
    return [Piece(ends(one.text, room), one.labels) for one in shown]


def ends(text: str, most: int = LONGEST) -> str:
    """`text`; of a longer one its two ends, about `most` characters in all."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}{_left_out(len(text) - 2 * half)}{text[-half:]}"


def _left_out(characters: int) -> str:
    return f"\n … {characters:,} characters …\n"


def plain_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` for a table on a page: texts, also in lists, as `plain`, cut to CELL characters."""
    visible_as = {chr(code): visible(chr(code)) for code in UNSAFE}

    def shown(texts: pl.Expr) -> pl.Expr:
        cut = pl.when(texts.str.len_chars() > CELL).then(texts.str.slice(0, CELL) + " …")
        return cut.otherwise(texts).str.replace_many(visible_as)

    return rows.with_columns(
        shown(pl.col(pl.String)), pl.col(pl.List(pl.String)).list.eval(shown(pl.element()))
    )
