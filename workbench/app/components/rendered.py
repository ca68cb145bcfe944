"""What models wrote, as Markdown that a page renders: headings, lists, tables, code and formulas.

Models write Markdown and LaTeX, and mean no more than that. So a text becomes Markdown anew: only
what is known here keeps its meaning, all else is escaped, and nothing is a link, an image, an
element of HTML or a directive of Streamlit.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain

from data.audit import Mark
from workbench.app.components.latex import Formula, formulas
from workbench.formatting import visible

# stand for formulas in a line and in lines of their own, and for the ends of marks
FORMULA, DISPLAY, BEGIN, END = "\ue000", "\ue003", "\ue001", "\ue002"
PRIVATE = re.compile(f"[{FORMULA}{DISPLAY}{BEGIN}{END}]")
SIGN = re.compile(f"([{FORMULA}{DISPLAY}{BEGIN}{END}])")
SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")  # of ASCII; Markdown may read any of it as markup
PLAIN = frozenset("!%'\"(),-./;?+")  # not within a line, at least
ENTITY = {sign: f"&#{ord(sign)};" for sign in map(chr, range(33, 127)) if SPECIAL.match(sign)}
# an empty character ends what Streamlit makes of the text of a paragraph: emoji, icons, links
JOINED = re.compile(
    r":(?=[\w+-]{1,40}:|material/|//)|(?<=\w)@(?=\w)|(?<=www)\.|(?<=[-<>])(?=[-<>=])",
    re.IGNORECASE,
)
NOTHING = "\u2060"
STARS = "&#42;&#42;"
HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]+(.*)")
ITEM = re.compile(r"([ \t]*)(?:([-*+\u2022])|(\d{1,3})[.)])[ \t]+(.*)")
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
DEEPEST = 4  # levels of lists


def markdown(text: str, marks: Sequence[Mark] = ()) -> str:
    """Markdown that shows `text`; marked stretches have another background.

    A mark within a formula or code is around all of it. Characters of control are as `visible`.
    """
    drawn = formulas(text)
    lines = _with_signs(text, drawn, marks).split("\n")
    sources = [(one, text[one.start : one.end]) for one in drawn]
    return _Writer(iter(sources)).lines(lines)


def _with_signs(text: str, drawn: Sequence[Formula], marks: Sequence[Mark]) -> str:
    """`text` with a sign in place of each formula, and signs where marks begin and end."""
    spans = _joined(sorted(_around(mark, drawn) for mark in marks if mark.end > mark.start))
    signs = sorted(
        chain(
            ((formula.start, 2, formula) for formula in drawn),
            ((start, 1, None) for start, _ in spans),
            ((end, 0, None) for _, end in spans),
        ),
        key=lambda sign: sign[:2],
    )
    parts, at = [], 0
    for position, kind, formula in signs:
        if position > at:
            parts.append(PRIVATE.sub("\ufffd", text[at:position]))
            at = position
        if formula is None:
            parts.append(BEGIN if kind else END)
        else:
            parts.append(f"\n{DISPLAY}\n" if formula.is_display else FORMULA)
            at = formula.end
    return "".join([*parts, PRIVATE.sub("\ufffd", text[at:])])


def _around(mark: Mark, drawn: Sequence[Formula]) -> tuple[int, int]:
    """The span of a mark, with the whole of the formulas in which it begins and ends."""
    first = bisect_right(drawn, mark.start, key=lambda one: one.start) - 1
    last = bisect_left(drawn, mark.end, key=lambda one: one.start) - 1
    start = drawn[first].start if first >= 0 and mark.start < drawn[first].end else mark.start
    return start, max(mark.end, drawn[last].end) if last >= 0 else mark.end


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, none of which touches another."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


class _Writer:
    """Lines as Markdown. drawn: what the signs of formulas stand for, and how it was written"""

    def __init__(self, drawn: Iterator[tuple[Formula, str]]) -> None:
        self.drawn = drawn
        self.is_marked = False

    def lines(self, lines: Sequence[str]) -> str:
        written: list[str] = []
        levels: list[int] = []  # widths of indentation of the lists around this line
        at = 0
        while at < len(lines):
            line = lines[at]
            if FENCE.match(line):
                block, at = self._code(lines, at)
                written.append(block)
                continue
            if at + 1 < len(lines) and "|" in line and _is_rule(lines[at + 1]):
                block, at = self._table(lines, at)
                written.append(block)
                continue
            written.append(self._line(line, levels))
            at += 1
        return "\n".join(written)

    def _line(self, line: str, levels: list[int]) -> str:
        if not line.strip():
            return ""
        if line == DISPLAY:
            levels.clear()
            return "\n" + self._display()
        if heading := HEADING.fullmatch(line):
            levels.clear()
            return f"\n**{self._words(heading[1].strip().strip('#* '))}**\n"
        if (item := ITEM.fullmatch(line)) and item[4]:
            indent = len(item[1].expandtabs(4))
            while levels and levels[-1] >= indent:
                levels.pop()
            levels.append(indent)
            sign = "-" if item[2] else f"{item[3]}."
            return f"{_spaces(len(levels) - 1)}{sign} {self._words(item[4])}"
        before = ""
        if levels and not line[:1].isspace():  # it does not go on with the item
            levels.clear()
            before = "\n"
        # two blanks: the line ends here
        return f"{before}{_spaces(len(levels))}{self._words(line.strip())}  "

    def _display(self) -> str:
        formula, _ = next(self.drawn)
        return f"$$\n{_body(formula)}\n$$\n"

    def _table(self, lines: Sequence[str], at: int) -> tuple[str, int]:
        end = at
        while end < len(lines) and "|" in lines[end]:
            end += 1
        rows = [[cell.strip() for cell in _cells(line)] for line in lines[at:end]]
        width = len(rows[0])
        shown = [
            "| " + " | ".join(self._words(cell) for cell in (row + [""] * width)[:width]) + " |"
            for nth, row in enumerate(rows)
            if nth != 1
        ]
        rule = "|" + " --- |" * width
        return "\n".join(["", shown[0], rule, *shown[1:], ""]), end

    def _code(self, lines: Sequence[str], at: int) -> tuple[str, int]:
        """A block of code, up to its closing fence or the end; a longer fence holds any text."""
        match = FENCE.match(lines[at])
        assert match is not None
        end = at + 1
        while end < len(lines) and not lines[end].strip().startswith(match[1]):
            end += 1
        body = "\n".join(map(self._unmarked, lines[at + 1 : end]))
        longest = max(map(len, re.findall("`+", body)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"\n{fence}text\n{body}\n{fence}\n", end + 1

    def _words(self, line: str) -> str:
        """A line with bold words, code and formulas. What is not closed in it is a text."""
        codes = line.split("`")
        if len(codes) % 2 == 0:
            codes = [line.replace("`", "'")] if "`" in line else [line]
        written = []
        for nth, part in enumerate(codes):
            if nth % 2 and part.strip():
                written.append(self._background(f"`{self._unmarked(part)}`", self.is_marked))
            else:
                written.append(self._bold(part))
        return "".join(written)

    def _bold(self, text: str) -> str:
        parts = text.split("**")
        written = []
        for nth, part in enumerate(parts):
            shown, is_last = self._plain(part), nth == len(parts) - 1
            if nth % 2 == 0:
                written.append(shown)
            elif is_last or not _is_bold(parts[nth - 1], part):
                written.append(f"{STARS}{shown}" if is_last else f"{STARS}{shown}{STARS}")
            else:
                written.append(f"**{shown}**")
        return "".join(written)

    def _plain(self, text: str) -> str:
        """Words and formulas, marked where they are."""
        written = []
        for part in SIGN.split(text):
            if part in (BEGIN, END):
                self.is_marked = part == BEGIN
            elif part in (FORMULA, DISPLAY):
                formula, _ = next(self.drawn)
                written.append(self._background(f"${_body(formula)}$", self.is_marked))
            elif part:
                written.append(self._background(escaped(part), self.is_marked))
        return "".join(written)

    def _background(self, shown: str, is_marked: bool) -> str:
        if not is_marked or not shown.strip() or "[" in shown or "]" in shown:
            return shown  # a bracket in a formula or in code would end it
        return f":orange-background[{shown}]"

    def _unmarked(self, text: str) -> str:
        """Code: formulas as they were written, and no marks; marks go on behind it."""
        written = []
        for part in SIGN.split(text):
            if part in (BEGIN, END):
                self.is_marked = part == BEGIN
            else:
                written.append(visible(next(self.drawn)[1] if part in (FORMULA, DISPLAY) else part))
        return "".join(written)


def _spaces(level: int) -> str:
    """Before what stands in so many lists."""
    return "    " * min(level, DEEPEST)


def _body(formula: Formula) -> str:
    """LaTeX between dollars, where a third one would end it."""
    return formula.body.replace("\\$", "\\text{\\textdollar}")


def _is_rule(line: str) -> bool:
    """Whether a line stands under the head of a table."""
    return "--" in line and "|" in line and not line.strip("-|: \t")


def _cells(line: str) -> list[str]:
    return line.strip().removeprefix("|").removesuffix("|").split("|")


def _is_bold(before: str, text: str) -> bool:
    """Whether two stars begin bold words before `text`, and end them behind it; not in 2**3."""
    is_power = before[-1:].isdigit() and text[:1].isdigit()
    return bool(text) and not is_power and not text[0].isspace() and not text[-1].isspace()


def escaped(text: str) -> str:
    """`text` for a place of Markdown in which it is nothing but text."""
    shown = JOINED.sub(lambda match: match[0] + NOTHING, visible(text))
    first = SPECIAL.sub(lambda match: ENTITY[match[0]], shown[:4])  # may begin a list or a rule
    return first + SPECIAL.sub(_entity, shown[4:])


def _entity(match: re.Match[str]) -> str:
    return match[0] if match[0] in PLAIN else ENTITY[match[0]]
