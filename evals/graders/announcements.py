"""Phrases that announce an answer, in many languages, and the answer that follows them."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from data.numbers.lexicon import SMALL_NUMBERS
from data.numbers.prose import is_answered_by_no, is_denied

NEAR = 40  # [characters] before an announcement that may make it none
FAR = 200  # [characters] before and behind an announcement that may deny it
MAX_CANDIDATES = 100  # phrases that look like an announcement and announce nothing

# Every repetition has a bound, so that every text takes linear time.
ANNOUNCEMENT = re.compile(
    r"""
    (?: \#\#\#\#
      | \banswer\b (?:[ ]to[ ][^\n:=.]{1,60}?)? [ \t*_"']{0,9}
          (?: : | = | (?:is|equals|will[ ]be|must[ ]be|comes[ ]to)\b:? )
      | ^[ \t*\#>]{0,9} (?:a|ans|answer) [ \t*]{0,9} [:.]
      | \bfinal[ ]answer[ \t*_]{0,9}$
      | (?:答案|答えは?|正解は?|答(?=[:\uff1a])|정답은?|답은?|الجواب|الإجابة|उत्तर)
          [ \t*]{0,4} (?: 是|为|為|は|هو|هي|है )? [:\uff1a]?
      | \b(?: antwort|r[ée]ponse|respuesta|risposta|resposta|ответ|відповідь|odpowied[źz]|cevap
            | đáp[ ]án|câu[ ]trả[ ]lời|antwoord|svar )\b (?:[ ]\w{1,12})? [ \t*]{0,4}
          (?: : | (?:ist|lautet|est|es|è|é|là|is|är)\b:? )
    )
    (?= [ \t*:\uff1a_]{0,9} (?P<answer>[^\n]{0,200}) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FOREIGN = re.compile(
    r"答|正解|정답|답|الجواب|الإجابة|उत्तर|antw|ponse|posta|puesta|ответ|відповідь|odpow|cevap"
    r"|đáp|câu trả|svar",
    re.IGNORECASE,
)
_FOREIGN_HINTS = ("antwo", "ponse", "posta", "puesta", "odpow", "cevap", "svar")  # in ASCII
# Where an announced answer ends and its explanation begins.
_END = (
    r"(?<!\bRs)[.!?](?=\s|$)|[\u3002\uff0c\uff1b\uff01\uff1f]"
    r"|\b(?:because|since|which|so|when|where|for)\b|\s\((?:not|instead of|rather than)\b"
)
# Letters of options, of which several may be listed: A, B and C.
_OPTION = r"(?:and |or )?\(?[A-J](?:\)|\s*(?:[,.;:]|\Z|and\b|or\b))"
_EXPLANATION = re.compile(rf"{_END}|;(?=\s|$)|,(?!\d)", re.IGNORECASE)
_EXPLANATION_OF_LIST = re.compile(
    rf"{_END}|;(?=\s|$)(?!\s?{_OPTION})|,(?!\s?(?:[-\d(\\$]|{_OPTION}))", re.IGNORECASE
)
_FORMULA = re.compile(r"\$\$?[^$\n]{1,200}\$\$?(?!\d)|\\\([^\n]{1,200}?\\\)")  # $5 and $6 are money
_MENTIONS_NUMBER = re.compile(
    rf"\d|[\u00bc-\u00be\u2150-\u215e]|[一二三四五六七八九十百千]"
    rf"|\b(?:{'|'.join(SMALL_NUMBERS)}|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozen"
    rf"|hundred|half|third|quarter)\b",
    re.IGNORECASE,
)
# What stands before `answer is` where that announces none: suppose the answer is 5.
_NOT_FINAL = re.compile(
    r"\b(?:suppos(?:e|ing)|assum(?:e|ing)|imagine|pretend|if|whether|unless|(?:let's|let us|we) say"
    r"|wrong|incorrect|false|previous|earlier|old|not)(?: that)?(?: (?:the|an?|my|your|this|our))?"
    r"(?: (?:right|correct|final))?\s\Z",
    re.IGNORECASE,
)
# What follows `the answer is` and is no answer.
_NO_ANSWER = re.compile(
    r"not\b|correct|incorrect|right\b|wrong\b|clear|below|above|as follows|the same|obvious|given"
    r"|found|obtained|unknown\b|unclear|in the|to be\b|that\b|simply\W*$|therefore\W*$",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """A line of a text, where it begins, and the next line that is not blank ("" for none)."""

    text: str
    start: int
    following: str


class Announcement(NamedTuple):
    """An announced answer, where its announcement begins, and whether that is denied or doubted."""

    text: str
    start: int
    is_denied: bool = False


def last_announcement(text: str, gold_is_number: bool) -> tuple[str, int] | None:
    """The answer after the last announcement, and where the announcement begins; or None.

    An announcement that is denied, doubted or answered by no does not count.
    """
    for announcement in announcements(text, gold_is_number):
        if not announcement.is_denied:
            return announcement.text, announcement.start
    return None


def announcements(text: str, gold_is_number: bool) -> Iterator[Announcement]:
    """The announced answers, the last one first.

    Where the reference answer is a number, there must be a number, in digits or in words: "The
    answer is correct." announces nothing. An answer may stand on the next line.
    """
    for line in islice(_candidates(text), MAX_CANDIDATES):
        final = line.text[4:].strip() if line.text.startswith("####") else ""
        if final.replace(",", "").isdigit():  # GSM8K's form, which is most frequent
            yield Announcement(final, line.start)
        else:
            yield from _in_line(line, gold_is_number)


def _in_line(line: Line, gold_is_number: bool) -> Iterator[Announcement]:
    """The announcements in `line`, the last one first."""
    for match in reversed(list(ANNOUNCEMENT.finditer(line.text))[-MAX_CANDIDATES:]):
        if _NOT_FINAL.search(line.text, max(0, match.start() - NEAR), match.start()):
            continue
        rest = match["answer"].lstrip(" \t*:\uff1a_") or line.following
        answer = _answer(rest, gold_is_number)
        if answer and _announces(answer, gold_is_number):
            before = line.text[max(0, match.start() - FAR) : match.start()]
            behind = f"{rest[len(answer) :]}\n{line.following[:FAR]}"
            is_doubted = is_denied(before) or is_answered_by_no(behind)
            yield Announcement(answer, line.start + match.start(), is_doubted)


def _candidates(text: str) -> Iterator[Line]:
    """The lines that may announce an answer, the last one first."""
    may_be_foreign: bool | None = None  # decided at the first line without words in English
    for line in _lines_from_the_end(text):
        if _may_announce(line.text):
            yield line
            continue
        if may_be_foreign is None:
            may_be_foreign = _may_be_foreign(text)
        if may_be_foreign and _FOREIGN.search(line.text):
            yield line


def _lines_from_the_end(text: str) -> Iterator[Line]:
    end, following = len(text), ""
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        yield Line(line, start, following)
        if line.strip(" \t*#$\\[]("):
            following = line.strip()
        end = start - 1


def _may_be_foreign(text: str) -> bool:
    lower = text.lower()
    return not text.isascii() or any(hint in lower for hint in _FOREIGN_HINTS)


def _may_announce(line: str) -> bool:
    """Whether a line has the words of an announcement in English, which is quickly seen."""
    if "####" in line or "answer" in line or "Answer" in line or "ANSWER" in line:
        return True
    label = line.lstrip(" \t*#>")[:3].lower()
    return label[:1] == "a" and (label == "ans" or label[1:].strip(" *")[:1] in (":", "."))


def _answer(rest: str, gold_is_number: bool) -> str:
    """The answer at the start of `rest`; it may be a list where the gold is no number."""
    if formula := _FORMULA.match(rest):
        return formula[0]
    explanation = _EXPLANATION if gold_is_number else _EXPLANATION_OF_LIST
    return explanation.split(rest, maxsplit=1)[0].strip(" \t*_")


def _announces(answer: str, gold_is_number: bool) -> bool:
    if _NO_ANSWER.match(answer):
        return False
    return not gold_is_number or _MENTIONS_NUMBER.search(answer) is not None or _has_digit(answer)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
