"""Times of day: 7:30 p.m. and 19:30 are the same, 7:30 a.m. is another."""

import re
from typing import NamedTuple

from data.numbers.lexicon import plain_characters
from data.numbers.notation.markup import without_markup

_CLOCK = re.compile(
    r"(?:at\s)?(\d{1,2})(?::([0-5]\d))?(?::([0-5]\d))?\s{0,3}(?:([ap])\.?\s?m\b\.?)?"
    r"(?:\s?o'clock|\s?hrs?|\s?h|\s?uhr)?\.?",
    re.IGNORECASE | re.ASCII,
)


class Clock(NamedTuple):
    """seconds: since midnight; for a time that may be before or after noon, of the earlier one."""

    seconds: int
    is_either: bool


def clock(text: str) -> Clock | None:
    """The time of day `text`, or None where it is none; a bare number is none."""
    match = _CLOCK.fullmatch(without_markup(plain_characters(text)))
    if match is None or not (match[2] or match[4]):
        return None
    hour = int(match[1])
    if hour > 24 or (match[4] and not 1 <= hour <= 12):
        return None
    half = (match[4] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
    seconds = hour * 3_600 + int(match[2] or 0) * 60 + int(match[3] or 0)
    return Clock(seconds, not half and 1 <= hour <= 12 and not match[1].startswith("0"))


def same_time(first: Clock, second: Clock) -> bool | None:
    """Whether two times are the same; None where one of them does not say a.m. or p.m."""
    if first == second:
        return True
    half_day = 12 * 3_600
    if (first.seconds - second.seconds) % half_day:
        return False
    return None if first.is_either or second.is_either else False
