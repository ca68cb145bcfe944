"""The sentence or formula of a box as plain tokens, with a number of its own in its place."""

import re
from typing import NamedTuple

from data.numbers.lexicon import plain_characters
from data.numbers.notation.markup import without_markup
from data.numbers.notation.tokens import Token, tokens_of

MARK = "170141183460469231"  # stands for the box
FAR = 120  # [characters] on each side of a box that are looked at

_SENTENCE_BEFORE = re.compile(r".*(?:[.!?;]\s|\u3002|\uff0c|\uff1b)", re.DOTALL)
_SENTENCE_BEHIND = re.compile(r"[.!?;](?=[\s*$]|\Z|\\[\])])|\u3002|\uff0c|\uff1b")
_NEXT_LINE = re.compile(r"\n(?!\s?(?:\\(?:p?mod|bmod|cdot|times|%)|\^|\(mod))")
_BARE_BRACES = re.compile(rf"(?<![\w}}\]^_\\])\{{\s*{MARK}\s*\}}")
_WORD_BEFORE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}\Z")
_BLOCK_MARK = re.compile(r"\A\s*(?:[-*+\u2022>#]+|\d{1,2}[.)])\s+")
_CUT_TEXT = re.compile(r"\\(?:text|math)[a-z]*\s?\{(?=[^{}]*\Z)")
_OTHER_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{([\w.,]{1,20})\}")
_DECORATION = re.compile(
    r"\\(?:text)?color\s?(?:\[\w{1,9}\])?\s?\{[^{}]{0,30}\}"
    r"|\\(?:begin|end)\s?\{[^{}]{0,30}\}(?:\{[lcr|]{0,9}\})?"
    r"|\\\\\s?&?\s?(?=[+]|-\s?[\d\\]|\\(?:times|cdot|pmod)(?![A-Za-z]))"
    r"|\\(?:tag|label|hspace|vspace|phantom)\*?\s?\{[^{}]{0,30}\}"
    r"|\\(?:[bB]ig{1,2}[lrm]?|large|Large|LARGE|huge|Huge|small|normalsize|bfseries|centering"
    r"|noindent|limits|blacksquare|square|Box|qed(?:here)?|checkmark|hfill|par|newline|bigstar|star"
    r"|bullet|underline|boldsymbol|bm|pmb|emph|hline|relax|strut|no(?:number|tag))(?![A-Za-z])"
)
_RELATION = re.compile(
    r"\\(?:(?:Long|long)?(?:right|left|leftright|Right|Left|Leftright)arrow|to|iff|implies"
    r"|impliedby|therefore|because|sim|simeq|cong|doteq|propto|gets|mapsto|colon|mid|subset(?:eq)?"
    r"|notin|in|cdots|vdots|q?quad)(?![A-Za-z])"
    r"|[\u2190-\u21ff\u2234\u2235\u27f9]|\\\\(?:\[\w{1,6}\])?|=>|->"
)


class Line(NamedTuple):
    """The tokens of `plain`, and which of them stand in the formula of the box."""

    plain: str
    tokens: list[Token]
    formula_start: int
    formula_end: int

    def is_inside(self, index: int) -> bool:
        if not 0 <= index < len(self.tokens):
            return False
        return self.formula_start <= self.tokens[index].start < self.formula_end


def before_box(text: str, start: int, bounds: tuple[int, int] | None) -> str:
    """What stands before the box in its sentence, or in its line and formula."""
    opening = bounds[0] if bounds else start
    line = max(text.rfind("\n", 0, opening) + 1, start - FAR, 0)
    before = text[line:start]
    if line == 0 or text[line - 1] == "\n":
        before = _BLOCK_MARK.sub("", before)
    return before if bounds else _SENTENCE_BEFORE.sub("", before)


def behind_box(text: str, end: int, bounds: tuple[int, int] | None) -> str:
    close = bounds[1] if bounds else end
    next_line = _NEXT_LINE.search(text, close, end + FAR)
    limit = next_line.start() if next_line else end + FAR
    sentence = _SENTENCE_BEHIND.search(text, end, limit)
    return text[end : sentence.start() if sentence else limit]


def line_of_box(
    text: str, before: str, start: int, end: int, behind: str, bounds: tuple[int, int] | None
) -> Line:
    """The tokens of the sentence with MARK in the place of the box."""
    mark = f" {MARK}" if _WORD_BEFORE.search(before) else MARK  # the answer is\boxed{5}
    if bounds is None:
        plain = _plain(f"{before}{mark}{behind}")
        return Line(plain, tokens_of(plain), 0, 0)
    head = before[: max(0, len(before) - (start - bounds[0]))]
    inner = f"{before[len(head) :]}{mark}{behind[: bounds[1] - end]}"
    first, formula, last = (
        _plain(piece) for piece in (head, inner, behind[max(0, bounds[1] - end) :])
    )
    plain = f"{first}{formula}{last}"
    return Line(plain, tokens_of(plain), len(first), len(first) + len(formula))


def _plain(piece: str) -> str:
    """A piece of a text without markup, with the spaces around it."""
    piece = _RELATION.sub(
        " = ", _DECORATION.sub("", _OTHER_BOX.sub(r"\1", _CUT_TEXT.sub(" ", piece)))
    )
    piece = re.sub(r"(?<!\\)\$|\\[()\[\]](?![A-Za-z])", "", piece)
    plain = without_markup(plain_characters(piece))
    plain = _BARE_BRACES.sub(MARK, plain)
    left = " " if piece[:1].isspace() and plain else ""
    return f"{left}{plain}{' ' if piece[-1:].isspace() else ''}"
