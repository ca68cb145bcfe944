"""The answer of a text that marks none as final: its last formula, option or quantity."""

import re
from typing import NamedTuple

from data.numbers import BOUND, read_answer
from data.numbers.beside import BESIDE
from data.numbers.notation import (
    formula_around,
    inside_dollars,
    joined_formulas,
    spoken_time,
    time_around,
)
from data.numbers.prose import LastQuantity, last_quantity
from evals.graders.corrections import TAKEN_BACK
from evals.graders.options import mentions_option

SHORT = 200  # [characters] of a text that may be a bare answer
LINES_WITH_OPTION = 3  # last lines in which an option may be named
MOST_JOINED = 20  # pairs of one answer
TAIL = 1_000  # [characters] at the end of a text that show whether it is cut off
BRACKETS = 100  # [characters] before a number in which its bracket may open

BROKEN_MATHS = "the answer stands in inline maths that is broken over lines"

_UNCLOSED_MATH = re.compile(r"(?:\$|\\\()[ \t]*\n[^\n]*\Z")
_BETWEEN_NUMBERS = re.compile(r"\s*,?\s*\b(?:and|or)\b\s*(?:[a-z]\s?=\s?)?")
# The last side of an equation, in which no word stands: w = 6 - 5i.
_SIDE = re.compile(r"=\s*((?:(?!\b[A-Za-z]{3})[^=\n,;]){1,60}?)[.!]?\s*\Z")
_DELIMITER = re.compile(r"(?<!\\)\\([(\[)\]])")
_ENDS = ".!?)]}|*`\"'$\u201d\u3002"
_GOES_ON = ",:=+/^<\u00d7\u2264\u2265\u2248\u2261"
_MATHEMATICS = re.compile(r"\d|\\|=")
_CLOSING = re.compile(r"[^()\[\]{}\n]{0,100}[)\]}]")
_NAME = re.compile(r"(?:[^\W\d_]{2,}|\\|[a-z])\Z")
_JOINED = re.compile(r"[(\[{][^()\[\]{}\n]{1,80}[)\]}]\s{0,3}(?:,|,?\s?(?:and|or)\b)\s{0,3}\Z")
_DENIAL = re.compile(  # (2, 3), not (3, 2)
    r"(?:(?P<instead>[(\[{][^()\[\]{}\n]{1,80}[)\]}]),?\s(?:and\s|but\s)?)?"
    r"\b(?:not|isn't|instead of|rather than)\s\Z",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """The final answer of a text, or None; and the reason where it cannot be relied on.

    alone: what the box of the answer holds, where `text` has what stands beside the box too; of an
           answer that the text takes back, or that may be another question's, the other one; what
           the last sentence behind the answer works out
    doubt: the reason where only `alone` is the reference answer
    """

    text: str | None
    reason: str | None = None
    alone: str | None = None
    doubt: str = BESIDE


def unmarked(text: str, gold_is_number: bool) -> Answer:
    """The answer of a text that marks none: its only formula, or its last quantity."""
    stripped = text.strip()
    if len(stripped) <= SHORT and (formula := inside_dollars(stripped)) is not None:
        return Answer(formula.strip())
    if _is_cut_off(stripped):
        return Answer(None)
    option = None if gold_is_number else _line_with_option(stripped)
    if option is not None:
        return Answer(option)
    last = last_quantity(text)
    if last is None:
        return Answer(None if gold_is_number else _words(stripped))
    line_start = text.rfind("\n", 0, last.end) + 1
    digit = line_start + _last_digit(text[line_start : last.end])
    answer = _answer_at(text, digit, last, gold_is_number)
    if answer.reason is None and last.is_retracted:
        return Answer(answer.text, TAKEN_BACK, answer.text)
    return answer


def _words(text: str) -> str | None:
    """The answer of a text without numbers: a time in words, or all of a short text."""
    if len(text) > SHORT or "\n" in text:
        return spoken_time(text[-SHORT:].rpartition("\n")[2], None)
    return spoken_time(text, None) or text or None


def _answer_at(text: str, digit: int, last: LastQuantity, gold_is_number: bool) -> Answer:
    """The answer whose last digit is text[digit]: a formula, the numbers of a clause, or one."""
    if gold_is_number and last.is_list:
        return Answer(last.text)
    formula = formula_around(text, digit)
    if formula is not None and not gold_is_number:
        return Answer(joined_formulas(text, digit) or formula)
    if formula is not None and read_answer(formula).reason != BOUND:
        return Answer(" or ".join((*last.rivals, formula)))
    if not gold_is_number:
        return Answer(_in_prose(text, digit, last))
    if formula is None and _UNCLOSED_MATH.search(text[max(0, digit - 1_000) : digit]):
        return Answer(last.text, BROKEN_MATHS)
    return Answer(" or ".join((*last.rivals, last.text)))


def _in_prose(text: str, digit: int, last: LastQuantity) -> str:
    """The answer that is no number: a time, a pair, a list, the side of an equation, or a piece."""
    start = max(text.rfind("\n", 0, digit) + 1, digit - TAIL)
    line = text[start : min(last.end, digit + TAIL)]
    position = digit - start if text[digit : digit + 1].isdigit() else None
    time = spoken_time(line, position) or time_around(text, digit)
    whole = time or _in_brackets(text, digit)
    if whole is None and last.is_list and _opening_of(text, digit) is None:
        whole = _BETWEEN_NUMBERS.sub(", ", last.text)
    if whole is None and (side := _SIDE.search(line)) is not None and side.end() > digit - start:
        whole = side[1]
    return whole or _piece_around(text, digit)


def _is_cut_off(text: str) -> bool:
    """Whether a text ends within a formula, a bracket or a sum: then it has no answer yet."""
    if len(text) <= SHORT or text[-1] in _ENDS:
        return False
    tail = text[-TAIL:]
    delimiters = _DELIMITER.findall(tail)
    if (delimiters and delimiters[-1] in "([") or text[-1] in _GOES_ON:
        return True
    line = tail.rpartition("\n")[2]
    return sum(map(line.count, "([{")) > sum(map(line.count, ")]}"))


def _line_with_option(text: str) -> str | None:
    """The last line that names an option, where only words follow it: "I am sure of that."."""
    lines = [line for line in text[-TAIL:].splitlines() if line.strip()]
    for line in reversed(lines[-LINES_WITH_OPTION:]):
        if len(line) > SHORT // 2:
            return None
        if mentions_option(line):
            return line
        if _MATHEMATICS.search(line):
            return None
    return None


def _in_brackets(text: str, position: int) -> str | None:
    """The pairs, sets or intervals that end with the one around text[position]; or None."""
    opening = _opening_of(text, position)
    closing = _CLOSING.match(text, position)
    if opening is None or closing is None or "," not in text[opening : closing.end()]:
        return None
    if _NAME.search(text, max(0, opening - 20), opening) is not None:  # gcd(12, 18)
        return None
    for _ in range(MOST_JOINED):
        joined = _JOINED.search(text, max(0, opening - BRACKETS), opening)
        if joined is None:
            break
        opening = joined.start()
    denial = _DENIAL.search(text, max(0, opening - BRACKETS), opening)
    if denial is None:
        return text[opening : closing.end()]
    return denial["instead"] or text[denial.start() : closing.end()]


def _opening_of(text: str, position: int) -> int | None:
    """Where the innermost bracket around text[position] opens in its line."""
    depth = 0
    for index in range(position - 1, max(-1, position - BRACKETS), -1):
        if text[index] == "\n":
            return None
        if text[index] in ")]}":
            depth += 1
        elif text[index] in "([{":
            if not depth:
                return index
            depth -= 1
    return None


def _piece_around(text: str, position: int) -> str:
    """What stands between white space around text[position], without punctuation."""
    before = re.search(r"\S*\Z", text[max(0, position - 100) : position])
    after = re.match(r"\S*", text[position : position + 100])
    piece = f"{before[0] if before else ''}{after[0] if after else ''}"
    return piece.rstrip(".,;:!?")


def _last_digit(line: str) -> int:
    return max((index for index, character in enumerate(line) if character.isdigit()), default=0)
