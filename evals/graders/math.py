r"""The grader `math`: finds answers that are numbers, LaTeX or symbols, and compares them.

Plain numbers are compared exactly, as by the other graders; math-verify compares everything else
(evals/graders/math_verify.py).
"""

import re
from functools import lru_cache

from data.conversion import is_left_open
from data.conversion.boxes import boxes
from evals.graders import extract, math_verify
from evals.graders.numbers import Number, parse_number, read_answer, within_ten_percent

_WHOLE = re.compile(r"\$\$(.+)\$\$|\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\]", re.DOTALL)
_FORMULA = re.compile(
    r"\$([^$\n]{1,500})\$(?!\d)|\\\(([^\n]{1,500}?)\\\)|\\\[(.{1,500}?)\\\]", re.DOTALL
)
# What may stand between boxes that together are one answer.
_BETWEEN_BOXES = re.compile(
    r"(?:[\s,;.$&]|\\[()\[\]]|\\q?quad|\\[,;! ]|\band\b|\bor\b|\\text\{[^{}]{0,40}\}){0,20}"
)
_UNCLOSED_MATH = re.compile(r"(?:\$|\\\()[ \t]*\n[^\n]*\Z")
_TEXT = re.compile(r"\\text(?:bf|rm|it)?\{([^{}]*)\}")
_TIME = re.compile(r"\d:\d")  # 2:00, and ratios
_SPACES = re.compile(r"\s+|\\[,;! ]")
SHORT = 200  # [characters] of a text that may be a bare answer

BROKEN_MATHS = "the answer stands in inline maths that is broken over lines"
OPEN_BOX = "the last box of the answer is not closed"
NOT_MARKED = "the gold is no number, and the text marks no answer"


def find_answer(text: str, gold: str) -> tuple[str | None, str | None]:
    """The answer of a text, and the reason where it cannot be relied on."""
    for find in (extract.last_answer_block, last_boxes, _bare_formula, extract.last_announced):
        if (answer := find(text)) is not None:
            return answer, None
    answer = extract.last_number(text)
    if answer is None:
        return None, None
    start = text.rfind(answer)
    if formula := _formula_around(text, start):
        return formula, None
    if gold_number(gold) is None and not re.search(r"\d", gold):
        return answer, NOT_MARKED
    if _UNCLOSED_MATH.search(text[:start]):
        return answer, BROKEN_MATHS
    return answer, None


def last_boxes(text: str) -> str | None:
    """The last box, with the boxes before it that a comma or `and` joins to it.

    None if the last box is not closed, because then the text was truncated inside its answer.
    """
    all_boxes = [] if is_left_open(text) else boxes(text)
    if not all_boxes:
        return None
    joined = [all_boxes[-1]]
    for box in reversed(all_boxes[:-1]):
        start_of_next = text.rfind("\\boxed", 0, joined[0].start)
        if not _BETWEEN_BOXES.fullmatch(text, box.end + 1, start_of_next):
            break
        joined.insert(0, box)
    return ", ".join(box.text.strip() for box in joined)


def _formula_around(text: str, position: int) -> str | None:
    """The formula in dollars or LaTeX brackets that contains text[position]."""
    for match in _FORMULA.finditer(text, max(0, position - 600)):
        if match.start() > position:
            return None
        if position < match.end():
            return next(group for group in match.groups() if group is not None)
    return None


def compare(gold: str, answer: str) -> math_verify.Comparison:
    """Whether `answer` equals `gold`; both may be in dollars or in a box."""
    reference = gold_number(gold)
    if reference is not None:
        reading = read_answer(answer)
        if reading.value is not None and reading.value == reference:
            return math_verify.Comparison(True, True)
        # 12 or 13; 40 % for 0.4
        if reference in (reading.alternatives or ()) and not _TIME.search(answer):
            return math_verify.Comparison(None, None, reading.reason)
        if reading.value is not None:
            return math_verify.Comparison(False, within_ten_percent(reading.value, reference))
    gold, answer = _content(gold), _content(answer)
    if _normalized(gold) == _normalized(answer):
        return math_verify.Comparison(True, True)
    if is_left_open(answer):
        return math_verify.Comparison(None, None, OPEN_BOX)
    return math_verify.compare(gold, answer)


@lru_cache(maxsize=1 << 16)  # each problem is answered many times
def gold_number(gold: str) -> Number | None:
    """The reference answer as a number, also out of a box or dollars; None if it is none."""
    return parse_number(_content(gold))


def _bare_formula(text: str) -> str | None:
    """The content of a text that is one formula in dollars and nothing else."""
    text = text.strip()
    return _content(text) if len(text) <= SHORT and _inside_dollars(text) is not None else None


def _content(text: str) -> str:
    """The content of the last box, or of the dollars around the whole text, else the text."""
    text = text.strip()
    inside = _inside_dollars(text)
    return last_boxes(text) or (text if inside is None else inside.strip())


def _inside_dollars(text: str) -> str | None:
    whole = _WHOLE.fullmatch(text)
    return next(group for group in whole.groups() if group is not None) if whole else None


def _normalized(text: str) -> str:
    r"""The form in which answers are compared before they are parsed: without spaces and \text."""
    return _SPACES.sub("", _TEXT.sub(r"\1", text))
