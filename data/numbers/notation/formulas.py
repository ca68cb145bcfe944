r"""Formulas in a text: between dollars, \( and \), \[ and \]; money is none."""

import re

_FORMULA = re.compile(
    r"\$\$([^$\n]{1,500})\$\$|\$([^$\n]{1,500})\$(?!\d)|\\\(([^\n]{1,500}?)\\\)|\\\[(.{1,500}?)\\\]",
    re.DOTALL,
)
_WHOLE = re.compile(r"\$\$(.+)\$\$|\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\]", re.DOTALL)
_DELIMITER = re.compile(r"\\[$\\]|\$\$?|\\[()\[\]]")
_CLOSERS = {"\\(": "\\)", "\\[": "\\]"}
_JOINS = re.compile(r"\s{0,3}(?:,|,?\s?(?:and|or))\s{0,3}")
FAR = 600  # [characters] before a position in which a formula may open


def formula_around(text: str, position: int) -> str | None:
    """The formula in dollars or LaTeX brackets that contains text[position]."""
    for match in _FORMULA.finditer(text, max(0, position - FAR)):
        if match.start() > position:
            return None
        if position < match.end():
            return next(group for group in match.groups() if group is not None)
    return None


def joined_formulas(text: str, position: int) -> str | None:
    """The formula around text[position], with those that a comma, `and` or `or` joins to it.

    All of them are values, or values of one unknown: $x = 3$ and $x = -4$.
    """
    matches = []
    for match in _FORMULA.finditer(text, max(0, position - FAR)):
        if match.start() > position:
            break
        matches.append(match)
    if not matches or position >= matches[-1].end():
        return None
    contents = [_content(matches[-1])]
    for one, other in zip(reversed(matches[:-1]), reversed(matches), strict=False):
        between = text[one.end() : other.start()]
        if not _JOINS.fullmatch(between) or _unknown(_content(one)) != _unknown(contents[0]):
            break
        contents.insert(0, _content(one))
    return ", ".join(contents) if len(contents) > 1 else contents[0]


def _content(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group is not None)


def _unknown(formula: str) -> str:
    return formula.partition("=")[0].strip() if "=" in formula else ""


def formula_bounds(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the formula around text[start:end] begins and ends, without its delimiters."""
    paragraph = max(text.rfind("\n\n", 0, start), start - FAR, 0)
    opening: re.Match[str] | None = None
    for delimiter in _DELIMITER.finditer(text, paragraph, start):
        if opening is not None and delimiter[0] == _CLOSERS.get(opening[0], opening[0]):
            opening = None
        elif opening is None and (delimiter[0] in _CLOSERS or delimiter[0].startswith("$")):
            opening = delimiter
    if opening is None:
        return None
    close = text.find(_CLOSERS.get(opening[0], opening[0]), end, end + FAR)
    return None if close < 0 or "\n\n" in text[end:close] else (opening.end(), close)


def inside_dollars(text: str) -> str | None:
    """The content of a text that is one formula in dollars or LaTeX brackets, else None."""
    whole = _WHOLE.fullmatch(text) if text[:1] in ("$", "\\") else None
    return next(group for group in whole.groups() if group is not None) if whole else None
