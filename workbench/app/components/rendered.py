"""What models wrote, as Markdown that a page renders: headings, lists, tables, code and formulas.

A text is parsed as Markdown without links, images, HTML and escapes, and written anew: what is a
text is escaped, so nothing of it is markup. Where the tree lacks a letter of the text, its lines
are shown as they are.
"""

import re
from collections.abc import Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from data.audit import Mark
from workbench.app.components.latex import Formula, formulas
from workbench.formatting import visible

FIRST, LAST = 0xF0000, 0xFFFFD  # private characters: each stands for one formula of a text
STAR = chr(LAST)  # for a star between letters: 2*3*4 is no emphasis
LETTER = re.compile(f"[\\w{chr(FIRST)}-{chr(LAST)}]")
PRIVATE = re.compile(f"[{chr(FIRST)}-{chr(LAST)}]")
DRAWN = re.compile(f"([{chr(FIRST)}-{chr(LAST - 1)}])")
PRODUCT = re.compile(r"(?<=[\w)])\*{1,2}(?=[\w(])")
SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")  # of ASCII; Markdown may read any of it as markup
PLAIN = frozenset("!%'\"(),-./;?+")  # not within a line, at least
ENTITY = {sign: f"&#{ord(sign)};" for sign in map(chr, range(33, 127)) if SPECIAL.match(sign)}
NUMBER = re.compile(r"\d{1,9}[.)]")
# an empty character ends what Streamlit makes of the text of a paragraph: emoji, icons, links
NOTHING = "\u2060"
BEFORE = re.compile(r"(?<=:)(?=[\w+-]{1,40}:|material/|streamlit:|//)|(?<=[-<>])(?=[-<>=])")
AROUND = re.compile(r"@|(?i:(?<=w)w)")
LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9+#_-]{0,19}")
WIDEST, NEAR = 40, 5_000  # columns of a table; characters in which the next words are looked for
PARSER = (
    MarkdownIt("commonmark", {"html": False, "maxNesting": 40})
    .enable("table")
    .disable(["link", "image", "autolink", "entity", "escape", "html_inline"])
    .disable(["reference", "html_block", "lheading", "code"])
)


def markdown(text: str, marks: Sequence[Mark] = ()) -> str:
    """Markdown that shows `text`; marked stretches have another background.

    A formula is marked as a whole, code is not marked. Characters of control are as `visible`.
    """
    source, drawn, spans = _substituted(text, marks)
    writer = _Writer(source, drawn, spans)
    written = writer.blocks(SyntaxTreeNode(PARSER.parse(source)).children)
    if LETTER.findall("".join(writer.shown)) == LETTER.findall(source):
        return written
    return _Writer(source, drawn, spans).plain_lines(source.split("\n"))


def _substituted(
    text: str, marks: Sequence[Mark]
) -> tuple[str, dict[str, tuple[Formula, str]], list[tuple[int, int]]]:
    """`text` with one character for each formula, these formulas, and the spans of the marks."""
    drawn: dict[str, tuple[Formula, str]] = {}
    parts: list[str] = []
    starts: list[tuple[int, int]] = [(0, 0)]  # offsets in `text` and in what is returned
    at = length = 0
    for number, formula in enumerate(formulas(text)):
        sign = chr(FIRST + number)
        drawn[sign] = formula, text[formula.start : formula.end]
        between = PRIVATE.sub("\ufffd", text[at : formula.start])
        parts += [between, sign]
        length += len(between)
        starts += [(formula.start, length), (formula.end, length + 1)]
        at, length = formula.end, length + 1
    parts.append(PRIVATE.sub("\ufffd", text[at:]))
    source = PRODUCT.sub(lambda match: STAR * len(match[0]), "".join(parts))
    return source, drawn, _moved(marks, starts)


def _moved(marks: Sequence[Mark], starts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of the marks where formulas are one character, in order; none touches another."""
    ends = sorted({end for mark in marks for end in (mark.start, mark.end)})
    new: dict[int, tuple[int, int]] = {}  # as a start, and as an end
    nth = 0
    for end in ends:
        while nth + 1 < len(starts) and starts[nth + 1][0] <= end:
            nth += 1
        inside = nth % 2 == 1 and end > starts[nth][0]  # odd ones are starts of formulas
        base = starts[nth][1]
        plain = base + end - starts[nth][0]
        new[end] = (base, base + 1) if inside else (plain, plain)
    joined: list[tuple[int, int]] = []
    for start, end in sorted((new[m.start][0], new[m.end][1]) for m in marks if m.end > m.start):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


class _Writer:
    """Writes a tree. shown: the texts that were written, as they are in the source, in order."""

    def __init__(
        self,
        source: str,
        drawn: dict[str, tuple[Formula, str]],
        spans: Sequence[tuple[int, int]],
    ) -> None:
        self.source = source
        self.source_lines = source.split("\n")
        self.drawn = drawn
        self.spans = spans
        self.shown: list[str] = []
        self.at = self.span = 0
        self.in_table = False
        self.delimiter = "."

    def blocks(self, nodes: Iterable[SyntaxTreeNode], between: str = "\n\n") -> str:
        return between.join(self._block(node) for node in nodes)

    def plain_lines(self, lines: Iterable[str]) -> str:
        return "\n".join(f"{self._text(line)}  " if line.strip() else "" for line in lines)

    def _block(self, node: SyntaxTreeNode) -> str:
        if node.type == "paragraph":
            return self._paragraph(node)
        if node.type == "heading":
            return f"**{self._inline(node, flat=True)}**" if node.children[0].content else ""
        if node.type in ("bullet_list", "ordered_list"):
            return self._list(node)
        if node.type == "blockquote":
            return _indented(self.blocks(node.children), "> ", "> ")
        if node.type == "fence":
            return self._fence(node)
        if node.type == "table":
            return self._table(node)
        return "---" if node.type == "hr" else ""

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        """Lines that end where they did; a formula with delimiters of its own has a block."""
        parts: list[str] = []
        for line in self._lines(node.children[0]):
            words = [child.content for child in line if child.type == "text"]
            alone = "".join(words).strip()
            if len(words) == len(line) and alone in self.drawn and self.drawn[alone][0].is_display:
                self._note(alone)
                parts.append(f"\n$$\n{_body(self.drawn[alone][0])}\n$$\n")
            else:
                parts.append("".join(map(self._node, line)) + "  ")
        return "\n".join(parts).strip("\n").rstrip(" ")

    def _lines(self, inline: SyntaxTreeNode) -> list[list[SyntaxTreeNode]]:
        lines: list[list[SyntaxTreeNode]] = [[]]
        for child in inline.children:
            if child.type in ("softbreak", "hardbreak"):
                lines.append([])
            else:
                lines[-1].append(child)
        return lines

    def _inline(self, node: SyntaxTreeNode, flat: bool = False) -> str:
        """The words of a heading or a cell, in one line. flat: without emphasis"""
        children = node.children[0].children if node.children else []
        return "".join(self._node(child, flat) for child in children).strip()

    def _node(self, node: SyntaxTreeNode, flat: bool = False) -> str:
        if node.type in ("softbreak", "hardbreak"):
            return " " if flat or self.in_table else "  \n"
        if node.type in ("strong", "em"):
            stars = "" if flat else "**" if node.type == "strong" else "*"
            return stars + "".join(self._node(child, flat) for child in node.children) + stars
        if node.type == "code_inline":
            self._note(node.content)
            return self._code(" ".join(self._written(node.content).split("\n")))
        return self._text(node.content)

    def _list(self, node: SyntaxTreeNode) -> str:
        items = node.children
        numbers = [item.info for item in items]
        is_counted = all(number == str(int(number)) for number in numbers if number)
        is_tight = all(child.hidden for item in items for child in item.children[:1])
        written, before = [], None
        for item, number in zip(items, numbers, strict=True):
            if number and (before is None or int(number) != before + 1):
                self.delimiter = ")" if self.delimiter == "." else "."  # another list begins
            before = int(number) if number else None
            sign = "-" if not number else f"{number}{self.delimiter}"
            if number:
                self._note(number)
            if not is_counted:  # 007 would become 7
                sign = f"- {escaped(number + '.')}"
            body = self.blocks(item.children, "\n" if is_tight else "\n\n")
            written.append(_indented(body, f"{sign} ", " " * (2 if sign[0] == "-" else 3)))
        return ("\n" if is_tight else "\n\n").join(written)

    def _fence(self, node: SyntaxTreeNode) -> str:
        info = self._written(node.info.strip())
        self.shown += [node.info, node.content]
        self.at = self._start_of(node.content)
        body = self._written(node.content.removesuffix("\n"))
        language = info if LANGUAGE.fullmatch(info) else "text"
        if info and language == "text" != info:
            body = f"{info}\n{body}"
        fence = "`" * max(3, _longest_run(body) + 1)
        return f"{fence}{language}\n{visible(body)}\n{fence}"

    def _table(self, node: SyntaxTreeNode) -> str:
        first, last = node.map or (0, 0)
        lines = self.source_lines[first:last]
        rows = [row for part in node.children for row in part.children]
        width = len(rows[0].children)
        most = max((line.strip().strip("|").count("|") + 1 for line in lines), default=0)
        if width > WIDEST or most > width:  # a row with more cells than the head would lose them
            return self.plain_lines(lines)
        self.in_table = True
        cells = [[self._inline(cell) for cell in row.children] for row in rows]
        self.in_table = False
        written = ["| " + " | ".join(row) + " |" for row in cells]
        return "\n".join([written[0], "|" + " --- |" * width, *written[1:]])

    def _note(self, text: str) -> None:
        """Count `text` among what was written, and go on behind it in the source."""
        self.shown.append(text)
        self.at = self._start_of(text) + len(text)

    def _start_of(self, text: str) -> int:
        start = self.source.find(text, self.at, self.at + len(text) + NEAR)
        return self.at if start < 0 else start

    def _text(self, text: str) -> str:
        """Words and formulas, escaped, with a background where they are marked."""
        start = self._start_of(text)
        self._note(text)
        written, at = [], start
        for end, is_marked in self._cuts(start, start + len(text)):
            piece = text[at - start : end - start]
            for part in DRAWN.split(piece):
                written.append(self._background(self._word(part), is_marked))
            at = end
        return "".join(written)

    def _cuts(self, start: int, end: int) -> list[tuple[int, bool]]:
        """Ends of the pieces of source[start:end] that are marked, and of those that are not."""
        while self.span < len(self.spans) and self.spans[self.span][1] <= start:
            self.span += 1
        cuts: list[tuple[int, bool]] = []
        nth = self.span
        while nth < len(self.spans) and self.spans[nth][0] < end:
            if self.spans[nth][0] > start:
                cuts.append((self.spans[nth][0], False))
            cuts.append((min(self.spans[nth][1], end), True))
            nth += 1
        return cuts if cuts and cuts[-1][0] == end else [*cuts, (end, False)]

    def _word(self, text: str) -> str:
        if text not in self.drawn:
            return escaped(text.replace(STAR, "*"))
        formula, _ = self.drawn[text]
        body = _body(formula, in_table=self.in_table)
        return f"$\\displaystyle {body}$" if formula.is_display else f"${body}$"

    def _background(self, shown: str, is_marked: bool) -> str:
        if not is_marked or not shown.strip() or "[" in shown or "]" in shown:
            return shown  # a bracket in a formula would end it
        return f":orange-background[{shown}]"

    def _written(self, text: str) -> str:
        """`text` with formulas and stars as they were written."""
        return PRIVATE.sub(
            lambda sign: self.drawn[sign[0]][1] if sign[0] in self.drawn else "*", text
        )

    def _code(self, text: str) -> str:
        shown = visible(" ".join(text.splitlines()))
        if self.in_table:
            shown = shown.replace("|", "\\|")
        ticks = "`" * (_longest_run(shown) + 1)
        blank = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
        return f"{ticks}{blank}{shown}{blank}{ticks}" if shown.strip() else escaped(f"`{shown}`")


def _body(formula: Formula, in_table: bool = False) -> str:
    """LaTeX between dollars, where a third one would end it; in a table a bar would, too."""
    body = formula.body.replace("\\$", "\\text{\\textdollar}")
    if in_table:
        body = body.replace("\\|", "\\Vert ").replace("|", "\\vert ")
    return body


def _longest_run(text: str) -> int:
    """Of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)


def _indented(text: str, first: str, rest: str) -> str:
    """`text` behind `first`; its other lines behind `rest`, empty ones too where that is a sign."""
    head, *lines = text.split("\n")
    return "\n".join(
        [first + head, *(rest + line if line or rest.strip() else "" for line in lines)]
    )


def escaped(text: str) -> str:
    """`text` for a place of Markdown in which it is nothing but text."""
    shown = BEFORE.sub(NOTHING, visible(text))
    shown = AROUND.sub(lambda match: f"{NOTHING}{match[0]}{NOTHING}", shown)
    number = NUMBER.match(shown)
    edge = number.end() if number else 4  # what may begin a list or a rule
    first = SPECIAL.sub(lambda match: ENTITY[match[0]], shown[:edge])
    return first + SPECIAL.sub(_entity, shown[edge:])


def _entity(match: re.Match[str]) -> str:
    return match[0] if match[0] in PLAIN else ENTITY[match[0]]
