"""Times of day: 7:30 p.m. and 19:30 are the same, 7:30 a.m. is another."""

import re
from typing import NamedTuple

from data.numbers.lexicon import plain_characters
from data.numbers.notation.markup import without_markup
from data.numbers.notation.spoken_times import in_digits

_CLOCK = re.compile(
    r"(?:at\s)?(\d{1,2})(?::([0-5]\d))?(?::([0-5]\d))?\s{0,3}(?:([ap])\.?\s?m\b\.?)?"
    r"(\s?o'clock|\s?uhr)?(?:\s?hrs?|\s?h)?(?:\s?(?:sharp|exactly))?\.?",
    re.IGNORECASE | re.ASCII,
)
# 15.30 Uhr, 3.30 pm, 15h30, 15 Uhr 30, 15\u664230\u5206
_OTHER_POINT = re.compile(
    r"(\d{1,2})(?:\.([0-5]\d)(?=\s?(?:uhr|[ap]\.?\s?m\b))|\s?(?:h|uhr|\u65f6|\u6642|\uc2dc)"
    r"\s?([0-5]\d)(?:\s?(?:\u5206|\ubd84|min)?))\b",
    re.IGNORECASE | re.ASCII,
)
_HALF_IN_WORDS = re.compile(
    r"\s(?:in the (morning|afternoon|evening)|at (night))\.?\Z", re.IGNORECASE
)
_NAMED = {"noon": "12:00 pm", "midday": "12:00 pm", "midnight": "12:00 am"}
_TIME = re.compile(
    r"(?<![\d:.])\d{1,2}(?:[:.][0-5]\d){0,2}\s?"
    r"(?:[ap]\.?\s?m\b\.?|o'clock|uhr\b(?:\s[0-5]\d\b)?|h\s?[0-5]\d\b)"
    r"|(?<![\d:])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])"
    r"(?:\s(?:in the (?:morning|afternoon|evening)|at night)\b)?",
    re.IGNORECASE | re.ASCII,
)


class Clock(NamedTuple):
    """seconds: since midnight; for a time that may be before or after noon, of the earlier one."""

    seconds: int
    is_either: bool


def clock(text: str) -> Clock | None:
    """The time of day `text`, or None where it is none; a bare number is none."""
    plain = without_markup(plain_characters(text))
    plain = in_digits(_NAMED.get(plain.lower().strip(" ."), plain))
    plain = _HALF_IN_WORDS.sub(lambda half: " am" if half[1] == "morning" else " pm", plain)
    plain = _OTHER_POINT.sub(lambda time: f"{time[1]}:{time[2] or time[3]}", plain)
    match = _CLOCK.fullmatch(plain)
    if match is None or not (match[2] or match[4] or match[5]):
        return None
    hour = int(match[1])
    if hour > 24 or (match[4] and not 1 <= hour <= 12):
        return None
    half = (match[4] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
    seconds = hour * 3_600 + int(match[2] or 0) * 60 + int(match[3] or 0)
    return Clock(seconds, not half and 1 <= hour <= 12 and not match[1].startswith("0"))


def time_around(text: str, position: int) -> str | None:
    """The time of day that text[position] belongs to, with its a.m. or p.m.; or None."""
    for time in _TIME.finditer(text, max(0, position - 12), position + 40):
        if time.start() <= position < time.end():
            return time[0]
    return None


def same_time(first: Clock, second: Clock) -> bool | None:
    """Whether two times are the same; None where one of them does not say a.m. or p.m."""
    if first == second:
        return True
    half_day = 12 * 3_600
    if (first.seconds - second.seconds) % half_day:
        return False
    return None if first.is_either or second.is_either else False
