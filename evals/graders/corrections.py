"""An answer that the text takes back: `\\boxed{5}. Wait, that is wrong, it should be 6.`"""

import re

from data.numbers import same_value
from data.numbers.prose import is_retracted, last_quantity

TAKEN_BACK = "the text takes its answer back, denies it or doubts it"
NO_ANSWER_KNOWN = "the text says that it knows no answer"
LATER = "the last sentence ends with another number than the answer"
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
# A text that gives up: I cannot determine the answer. There are 12 months in a year.
_GIVES_UP = re.compile(
    r"(?:\b|(?=n't))(?:(?:can ?not|can't|could ?n[o']t|could not|(?:am |is |'m |was |we're "
    r"|are )?(?:unable|impossible"
    r"|not able|not possible) to)(?: be)?(?: \w{2,10}ly)? (?:determined?|answer(?:ed)?|solved?"
    r"|calculated?|computed?|tell|know|known|found|find|figured? out|said|derived?|deduced?"
    r"|inferred)"
    r"|(?:not|n't) (?:know|have|find|see) (?:the|an|a|any) (?:final |right "
    r"|correct )?(?:answer|solution)"
    r"|(?:not|n't|no|isn't|insufficient|lacking|without)(?: have| provide| given?| contain)?"
    r" (?:enough|sufficient|adequate)? ?(?:information|data|details|context)\b"
    r"|answer (?:is|was|remains|seems) (?:unknown|unclear|undetermined|indeterminate|uncertain"
    r"|not (?:known|given|clear|determinable|possible))"
    r"|(?:have|had) no (?:idea|clue|answer|solution)|no (?:answer|solution) (?:can|could|is) )"
    r"(?P<rest>[^.!?\n]{0,80})",
    re.IGNORECASE,
)
_NO_END = re.compile(
    r"\b(?:but|however|so|therefore|thus|hence|instead|still|yet|nevertheless|until|unless|without"
    r"|directly|first|assum\w{1,4}|suppos\w{1,4}|let(?:'s| us)?|we (?:get|have|find))\b|=",
    re.IGNORECASE,
)


# A last sentence that works out something else: \boxed{4\sqrt{5}}. Therefore, m + n = 4 + 5 = 9.
_CONCLUDES = re.compile(
    r"(?:=|\b(?:is|are|equals))\s{0,3}[*$\\({]{0,4}[-\u2212]?\d[\d,./]{0,20}[ $*\\)}.\]]{0,8}\Z"
)


def knows_no_answer(text: str) -> bool:
    """Whether the end of a text says that it knows no answer, and concludes nothing after that."""
    tail = text[-LONGEST:]
    statements = list(_GIVES_UP.finditer(tail))
    return bool(statements) and _NO_END.search(tail, statements[-1].start("rest")) is None


def later_result(text: str, start: int, answer: str) -> str | None:
    """Another number that the last sentence behind the `answer` at `start` ends with, or None."""
    rest = text[start : start + LONGEST].rstrip()
    if _CONCLUDES.search(rest, max(0, len(rest) - 40)) is None:
        return None
    last = last_quantity(rest)
    return None if last is None or same_value(answer, last.text) else last.text


def other_answer(text: str, start: int, answer: str) -> str | None:
    """The last quantity behind a correction of the `answer` at `start`; None where it stays.

    The answer itself where the text takes it back and names no other.
    """
    rest = text[start : start + LONGEST]
    if rest.lstrip("# ").replace(",", "").rstrip().isdigit():  # #### 5, and nothing behind it
        return None
    correction = _CORRECTION.search(rest)
    last = None if correction is None else last_quantity(rest[correction.end() :])
    if last is not None:
        return None if same_value(answer, last.text) else last.text
    return answer if is_retracted("", rest) else None
