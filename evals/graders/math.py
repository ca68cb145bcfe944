r"""The grader `math`: answers in numbers, LaTeX or symbols, found where people mark them.

What can be read as plain numbers is compared exactly, as by the other graders; all else goes to
math-verify (evals/graders/math_verify.py).
"""

import re
from functools import lru_cache

from data.conversion.boxes import boxes
from evals.graders import extract, math_verify
from evals.graders.numbers import Number, number, read, within_tenth

_WHOLE = re.compile(r"\$\$(.+)\$\$|\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\]", re.DOTALL)
_FORMULA = re.compile(
    r"\$([^$\n]{1,500})\$(?!\d)|\\\(([^\n]{1,500}?)\\\)|\\\[(.{1,500}?)\\\]", re.DOTALL
)
# what may stand between boxes that are one answer
_JOINED = re.compile(
    r"(?:[\s,;.$&]|\\[()\[\]]|\\q?quad|\\[,;! ]|\band\b|\bor\b|\\text\{[^{}]{0,40}\}){0,20}"
)
_INLINE = re.compile(r"(?:\$|\\\()[ \t]*\n[^\n]*\Z")  # maths that its line leaves open
_TEXT = re.compile(r"\\text(?:bf|rm|it)?\{([^{}]*)\}")
_TIME = re.compile(r"\d:\d")  # 2:00, and ratios
_SPACES = re.compile(r"\s+|\\[,;! ]")
SHORT = 200  # characters of a text that may be a bare answer

BROKEN_MATHS = "the answer stands in inline maths that is broken over lines"
NOT_MARKED = "the gold is no number, and the text marks no answer"


def found_in(text: str, gold: str) -> tuple[str | None, str | None]:
    """The answer of a text, and why it cannot be told from it, if so."""
    for find in (extract.last_answer_block, last_boxes, _bare, extract.last_announced):
        if (said := find(text)) is not None:
            return said, None
    said = extract.last_number(text)
    if said is None:
        return None, None
    at = text.rfind(said)
    if formula := _formula_around(text, at):
        return formula, None
    if gold_number(gold) is None and not re.search(r"\d", gold):
        return said, NOT_MARKED
    if _INLINE.search(text[:at]):
        return said, BROKEN_MATHS
    return said, None


def last_boxes(text: str) -> str | None:
    """The last box, and those before it that it is joined to by a comma or an `and`."""
    held = boxes(text)
    if not held:
        return None
    found = [held[-1]]
    for box in reversed(held[:-1]):
        begin = text.rfind("\\boxed", 0, found[0].start)
        if not _JOINED.fullmatch(text, box.end + 1, begin):
            break
        found.insert(0, box)
    return ", ".join(box.text.strip() for box in found)


def _formula_around(text: str, at: int) -> str | None:
    """The formula in dollars or brackets in which text[at] stands."""
    begin = max(0, at - 600)
    for match in _FORMULA.finditer(text, begin):
        if match.start() > at:
            return None
        if at < match.end():
            return next(group for group in match.groups() if group is not None)
    return None


def compared(gold: str, said: str) -> math_verify.Comparison:
    """Whether `said` is the answer `gold`; both may stand in dollars or a box."""
    right = gold_number(gold)
    if right is not None:
        reading = read(said)
        if reading.value is not None and reading.value == right:
            return math_verify.Comparison(True, True)
        if right in (reading.others or ()) and not _TIME.search(said):  # 12 or 13; 40 % for 0.4
            return math_verify.Comparison(None, None, reading.reason)
        if reading.value is not None:
            return math_verify.Comparison(False, within_tenth(reading.value, right))
    gold, said = _content(gold), _content(said)
    if _same_words(gold) == _same_words(said):
        return math_verify.Comparison(True, True)
    return math_verify.compared(gold, said)


@lru_cache(maxsize=1 << 16)  # a problem is answered many times
def gold_number(gold: str) -> Number | None:
    return number(_content(gold))


def _bare(text: str) -> str | None:
    """A text that is nothing but one formula in dollars."""
    text = text.strip()
    return _content(text) if len(text) <= SHORT and _inside(text) is not None else None


def _content(text: str) -> str:
    """What stands in the last box, or between the dollars that hold all of the text."""
    text = text.strip()
    inside = _inside(text)
    return last_boxes(text) or (text if inside is None else inside.strip())


def _inside(text: str) -> str | None:
    whole = _WHOLE.fullmatch(text)
    return next(group for group in whole.groups() if group is not None) if whole else None


def _same_words(text: str) -> str:
    """What two answers are compared by before they are parsed: without spaces and \text."""
    return _SPACES.sub("", _TEXT.sub(r"\1", text))
