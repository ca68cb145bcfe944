"""An answer that the text takes back: `\\boxed{5}. Wait, that is wrong, it should be 6.`"""

import re

from data.numbers import last_quantity, same_value

TAKEN_BACK = "the text takes its answer back and names another"
LONGEST = 2_000  # [characters] behind an answer that are looked at

_CORRECTION = re.compile(
    r"\b(?:wait|correction|corrected|oops|hold on|on second thought|scratch that|my bad|i was wrong"
    r"|let me (?:re-?(?:check|consider|do|calculate|compute|think|read|count|examine)|double)"
    r"|i (?:made|see) (?:a|an|my) (?:\w+ )?(?:mistake|error)"
    r"|(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|not right|not correct|a mistake)"
    r"|(?:it )?should (?:actually |really |instead )?(?:be|have been)|actually"
    r"|no, (?:it|the|that))\b",
    re.IGNORECASE,
)


def other_answer(text: str, start: int, answer: str) -> str | None:
    """The last quantity behind a correction of the `answer` at `start`; None where it stays."""
    rest = text[start : start + LONGEST]
    correction = _CORRECTION.search(rest)
    if correction is None:
        return None
    last = last_quantity(rest[correction.end() :])
    return last[0] if last is not None and same_value(answer, last[0]) is not True else None
