"""Inequalities of one unknown as intervals: -2 \\le x < 7 is [-2, 7)."""

import re

LONGEST = 200  # [characters] of an inequality
_LESS = r"(<|\\l(?:t|eq?)(?![a-z])|\\leqslant(?![a-z]))"
_MORE = r"(>|\\g(?:t|eq?)(?![a-z])|\\geqslant(?![a-z]))"
_BOUND = r"([^<>=,]{1,60}?)"
_UNKNOWN = r"\s*([a-z])\s*"
_BETWEEN = re.compile(rf"\s*{_BOUND}\s*{_LESS}{_UNKNOWN}{_LESS}\s*{_BOUND}\s*")
_BELOW = re.compile(rf"{_UNKNOWN}{_LESS}\s*{_BOUND}\s*")
_ABOVE = re.compile(rf"{_UNKNOWN}{_MORE}\s*{_BOUND}\s*")
_HAS_UNKNOWN = re.compile(r"(?<![A-Za-z\\])[a-z](?![A-Za-z])")
IS_INTERVAL = re.compile(
    r"(?:[a-z]\s*\\in\s*)?(?:\\left\s*)?[(\[][^()\[\]]{1,80},[^()\[\]]{1,80}(?:\\right\s*)?[)\]]"
)


def as_interval(text: str) -> str | None:
    """The interval that an inequality of one letter describes, in LaTeX; None where it is none."""
    if len(text) > LONGEST:
        return None
    text = text.strip()
    if between := _BETWEEN.fullmatch(text):
        low, is_open, _, closes, high = between.groups()
        return _interval(low, high, is_open, closes)
    if below := _BELOW.fullmatch(text):
        return _interval("-\\infty", below[3], "<", below[2])
    if above := _ABOVE.fullmatch(text):
        return _interval(above[3], "\\infty", above[2], "<")
    return None


def _interval(low: str, high: str, opens: str, closes: str) -> str | None:
    commands = re.compile(r"\\[A-Za-z]+")
    if any(_HAS_UNKNOWN.search(commands.sub(" ", bound)) for bound in (low, high)):
        return None
    strict = ("<", ">", "\\lt", "\\gt")
    return f"{'(' if opens in strict else '['}{low}, {high}{')' if closes in strict else ']'}"
