"""Defects of a text that have nothing to do with its markers."""

import re

from data.conversion.boxes import is_left_open
from data.conversion.defects import Defect
from data.conversion.loops import loop_in

SHORT = 200  # longest answer that is still short, in one line [characters]

FAILED = re.compile(
    r"\s*(?:"
    r"error\s?(?:code\s?)?:|\{\s?[\"']error[\"']|traceback \(most recent call last\)"
    r"|<!doctype html|<html|internal server error|bad gateway|gateway time-?out"
    r"|service unavailable|too many requests|rate limit|request timed out|connection error"
    r"|(?:http )?(?:error )?(?:429 too|500 internal|502 bad|503 service|504 gateway)"
    r"|i['\u2019]?\s?a?m (?:sorry|unable)|sorry, but i|i (?:cannot|can['\u2019]t) (?:assist|help)"
    r"|as an ai (?:language )?model"
    r"|(?:null|nan|\[object object\])\s*\Z)",
    re.IGNORECASE,
)
NOTHING = re.compile(r"\s*(?:none|undefined|n/a)\s*\Z", re.IGNORECASE)  # may be an answer
# Latin and Greek are mathematics in any language
SCRIPTS = {
    "han": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+"),
    "kana": re.compile("[\u3041-\u30ff]+"),
    "hangul": re.compile("[\u1100-\u11ff\uac00-\ud7af]+"),
    "cyrillic": re.compile("[\u0400-\u04ff]+"),
    "arabic": re.compile("[\u0600-\u06ff]+"),
    "hebrew": re.compile("[\u0590-\u05ff]+"),
    "thai": re.compile("[\u0e00-\u0e7f]+"),
    "devanagari": re.compile("[\u0900-\u097f]+"),
}
# First bytes, in UTF-8, of every letter of these scripts, and of some other characters: a text
# without them has no such letter
LEAD_BYTES = bytes([*range(0xD0, 0xD4), *range(0xD6, 0xDC), 0xE0, 0xE1, *range(0xE3, 0xEE)])
# What no text ends with: a sign that wants something after it, or such a word
UNFINISHED = re.compile(
    r"(?:[,(\[{=+/<&^]|\\(?:frac|sqrt|times|cdot|left)|[\w)] -"
    r"|(?:^|\s)(?:the|an|and|or|of|to|is|are|with|that|because|if|then|so|we|for|from|by))\Z",
    re.IGNORECASE,
)
TAIL = 4000  # where the end of a text is looked at [characters]
FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


def failed(text: str, field: str, at: int = 0, answer: bool = False) -> list[Defect]:
    """Whether `text`, which stands at `at` in its field, is what a server or a refusal says."""
    match = FAILED.match(text) or (None if answer else NOTHING.match(text))
    if not match:
        return []
    return [Defect("error text instead of content", field, at + match.start(), at + match.end())]


def looped(text: str, field: str) -> list[Defect]:
    span = loop_in(text)
    return [Defect("repetition loop", field, *span)] if span else []


def mixed(text: str, prompt: str) -> list[Defect]:
    """Where a script begins that the prompt does not use, in a text that is mostly another."""
    if text.isascii():
        return []
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded.translate(None, LEAD_BYTES)) == len(encoded):
        return []
    found = []
    for script in SCRIPTS.values():
        first = script.search(text)
        if not first or script.search(prompt):
            continue
        letters = sum(len(match.group()) for match in script.finditer(text))
        if letters * 2 < len(text):
            found.append(Defect("mixed scripts", "completion", *first.span()))
    return found


def cut_off(text: str) -> list[Defect]:
    """Whether `text`, which no marker closes, breaks off in the middle."""
    end = len(text.rstrip())
    start = max(0, end - TAIL)
    tail = text[start:end]
    odd_fence = end < TAIL and len(FENCE.findall(tail)) % 2 == 1
    if UNFINISHED.search(tail[-40:]) or is_left_open(tail) or odd_fence:
        return [Defect("text cut off", "completion", max(0, end - 40), end)]
    return []


def not_short(answer: str, at: int) -> list[Defect]:
    if len(answer) <= SHORT and "\n" not in answer:
        return []
    return [Defect("answer not short", "completion", at, at + len(answer))]
