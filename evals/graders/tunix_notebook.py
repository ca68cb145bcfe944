r"""The grading rules of Tunix's GRPO notebook for Gemma 3 on GSM8K, faults and all.

There, with every tag's text in place:
    format:  ^[\s]{0,}<reasoning>.+?</reasoning>.*?<answer>(.+?)</answer>[\s]{0,}$
    answer:  <answer>.*?([\d\.]{1,})         both with MULTILINE and DOTALL, both searched for
The first of these takes cubic time on hostile texts. Here is the same in linear time: what lies
between the tags is free, so it matches if the earliest places of the first three leave room for
the last possible place of the fourth.
"""

import re

from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

NOTHING_FOUND = "-1000000"  # what the notebook reads where it finds no number

_OPENED = re.compile(rf"^[^\S\n]*{REASONING_OPEN}", re.MULTILINE)
_CLOSED = re.compile(rf"{ANSWER_CLOSE}[^\S\n]*$", re.MULTILINE)
_NUMBER = re.compile(r"[\d\.]+")


def in_format(text: str) -> bool:
    """Whether the notebook calls the format right. Text before and after may pass, and two blocks.

    `.+?` needs one character in each block, be it white space or a letter.
    """
    opened = _OPENED.search(text)
    if opened is None:
        return False
    closed = text.find(REASONING_CLOSE, opened.end() + 1)
    answer = text.find(ANSWER_OPEN, closed + len(REASONING_CLOSE)) if closed >= 0 else -1
    if answer < 0:
        return False
    last = max((match.start() for match in _CLOSED.finditer(text, answer)), default=-1)
    return last >= answer + len(ANSWER_OPEN) + 1


def extracted(text: str) -> str | None:
    """The first run of digits and dots after the first answer tag: "1" of "1,200", "5" of "-5"."""
    start = text.find(ANSWER_OPEN)
    found = _NUMBER.search(text, start + len(ANSWER_OPEN)) if start >= 0 else None
    return found.group() if found else None


def verdicts(extracted: str | None, gold: str) -> tuple[bool, bool]:
    """Correct and partial. What Python cannot read as a float is wrong there, never unknown."""
    try:
        value, right = float((extracted or NOTHING_FOUND).strip()), float(gold.strip())
    except ValueError:
        return False, False
    # the notebook has counted a 0 as right by the time it divides by zero
    return value == right, right != 0 and 0.9 <= value / right <= 1.1
