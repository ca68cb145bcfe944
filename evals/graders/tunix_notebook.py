r"""The grading rules of Tunix's GRPO notebook for Gemma 3 on GSM8K, with their faults.

The notebook's regular expressions, with the tags filled in:
    format:  ^[\s]{0,}<reasoning>.+?</reasoning>.*?<answer>(.+?)</answer>[\s]{0,}$
    answer:  <answer>.*?([\d\.]{1,})         both with MULTILINE and DOTALL, both by `search`
The first takes cubic time on hostile texts. This module gives the same results in linear time:
anything may stand between the tags, so the expression matches exactly if the earliest positions of
the first three tags leave room for the last possible position of the fourth.
"""

import re

from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

NO_NUMBER = "-1000000"  # the notebook's value for an answer without a number

_OPENED = re.compile(rf"^[^\S\n]*{REASONING_OPEN}", re.MULTILINE)
_CLOSED = re.compile(rf"{ANSWER_CLOSE}[^\S\n]*$", re.MULTILINE)
_NUMBER = re.compile(r"[\d\.]+")


def in_format(text: str) -> bool:
    """Whether the notebook accepts the format. It allows text before and after, and two blocks.

    `.+?` needs one character in each block, white space or not.
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


def extract(text: str) -> str | None:
    """The first run of digits and dots after the first answer tag: "1" of "1,200", "5" of "-5"."""
    start = text.find(ANSWER_OPEN)
    match = _NUMBER.search(text, start + len(ANSWER_OPEN)) if start >= 0 else None
    return match.group() if match else None


def verdicts(extracted: str | None, gold: str) -> tuple[bool, bool]:
    """Correct and partial. What Python cannot parse as a float is incorrect, never unknown."""
    try:
        value, reference = float((extracted or NO_NUMBER).strip()), float(gold.strip())
    except ValueError:
        return False, False
    # the notebook has already counted a 0 as correct when it divides by zero
    return value == reference, reference != 0 and 0.9 <= value / reference <= 1.1
