r"""A box with what stands beside it and changes its value: \boxed{2} \pmod 7, -\boxed{5}.

A number of its own stands for the box, so that the one reader of numbers finds what belongs to it.
"""

import re
from typing import NamedTuple

from data.numbers import parse_plain_number, read_answer
from data.numbers.beside.before import start_in_prose
from data.numbers.beside.behind import end_in_prose
from data.numbers.beside.bounds import stops
from data.numbers.notation import (
    MARK,
    Line,
    before_box,
    behind_box,
    formula_bounds,
    line_of_box,
    moduli,
    stands_alone,
)

BESIDE = "what stands beside the box changes its value"
_NOTHING_BEFORE = re.compile(r"(?:\A|=|:\s|\b(?:is|are)\b)(?:[ \t$*]|\\[\[(])*\Z")
_NOTHING_BEHIND = re.compile(r"(?:[ \t$*]|\\[\])])*\Z")
_IN_PROSE_MOD = re.compile(r"\bmod(?:ul(?:o|us))?\s(\d{1,9})(?=[ ,])(?!\s?[-+*^/])", re.ASCII)
_HALF_OF_DAY = re.compile(r"[ \t$}~]{0,4}(?:\\text\s?\{\s?)?([ap])\.?\s?m\b", re.IGNORECASE)
_COMPOUND = re.compile(r"[-+*/=,^ ]|\\(?![dt]?frac)[a-z]", re.IGNORECASE)
_BINDS = re.compile(r"\s*(?:[\^*/(_!\u00d7\u00f7]|\\[a-z]|[A-Za-z](?![A-Za-z]))")


class InContext(NamedTuple):
    """What a box says together with what stands beside it.

    text: both together, or the content of the box where nothing changes it; None: unreadable
    is_changed: whether its neighbours change it
    """

    text: str | None
    is_changed: bool


UNREADABLE = InContext(None, True)


def in_context(
    text: str, start: int, end: int, content: str, *, with_modulus: bool = True
) -> InContext:
    """What the box text[start:end] with its `content` says where it stands.

    A sentence that goes on does not change it: \\boxed{5} dollars, \\boxed{5} more than Tom.
    with_modulus: a modulus that the sentence names somewhere else belongs to it
    """
    if ":" not in content and stands_alone(text, start, end):
        return InContext(content, False)
    bounds = formula_bounds(text, start, end)
    before, behind = before_box(text, start, bounds), behind_box(text, end, bounds)
    if _is_marked(text, start, end, content, bounds is not None):
        return UNREADABLE
    is_plain = _NOTHING_BEFORE.search(before) and _NOTHING_BEHIND.match(behind)
    if is_plain and "mod" not in before.lower():
        return InContext(content, False)
    if ":" in content and (half := _HALF_OF_DAY.match(text, end)):
        return InContext(f"{content} {half[1]}m", True)
    line = line_of_box(text, before, start, end, behind, bounds)
    marks = [index for index, token in enumerate(line.tokens) if MARK in token.text]
    if len(marks) != 1:
        return UNREADABLE
    result = _with_neighbours(line, marks[0], content)
    if result.is_changed or not with_modulus:
        return result
    modulus = _modulus(f"{before} {behind}", content)
    return InContext(f"{content} (mod {modulus})", True) if modulus else result


def _modulus(sentence: str, content: str) -> int | None:
    """The only modulus that a sentence names, apart from the number in its box."""
    if "mod" not in sentence.lower() or read_answer(content).value is None:
        return None
    values = moduli(sentence).values or set(map(int, _IN_PROSE_MOD.findall(sentence)))
    return next(iter(values)) if len(values) == 1 and "mod" not in content else None


def _is_marked(text: str, start: int, end: int, content: str, is_formula: bool) -> bool:
    """Whether a factorial's or a derivative's mark follows, which a sentence may also end with."""
    if is_formula and re.match(r"\s?(?:!(?!\s?=)|')", text[end : end + 3]):
        return True
    is_quoted = text[start - 1 : start] == "'" or parse_plain_number(content) is not None
    return text[end : end + 1] == "'" and not is_quoted


def _with_neighbours(line: Line, index: int, content: str) -> InContext:
    tokens = line.tokens
    mark = tokens[index].text
    if mark != MARK and not re.fullmatch(rf"{MARK}(?:_\d+|[eE][-+]?\d+)", mark):
        return UNREADABLE  # \boxed{5}000
    start, end = _in_formula(line, index)
    if not line.is_inside(start - 1):
        start = start_in_prose(tokens, start, index)
    if start is not None and not line.is_inside(end):
        end = end_in_prose(tokens, index, end, content)
    if start is None or end is None:
        return UNREADABLE
    together = line.plain[tokens[start].start : tokens[end - 1].end]
    reading = read_answer(together)
    if together == MARK or (reading.value == int(MARK) and not reading.alternatives):
        return InContext(content, False)
    behind = together.partition(MARK)[2]
    is_factor = together.partition(MARK)[0].strip(" +-") or _BINDS.match(behind)
    is_compound = _COMPOUND.search(content) and not (content[0] in "([" and content[-1] in ")]")
    together += ")" * (together.count("(") - together.count(")"))  # 2 (mod 7
    wrapped = f"({content})" if is_factor and is_compound else content
    return InContext(" ".join(together.split()).replace(MARK, wrapped), True)


def _in_formula(line: Line, index: int) -> tuple[int, int]:
    """The side of an equation in the formula of the box that holds it."""
    start, end = index, index + 1
    while line.is_inside(start - 1) and not stops(line.tokens, start - 1):
        start -= 1
    while line.is_inside(end) and not stops(line.tokens, end):
        end += 1
    return start, end
