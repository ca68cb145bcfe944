r"""Repeating decimals as fractions: 0.\overline{3} and 0.(3) are 1/3."""

import re
from fractions import Fraction

_REPEATING = re.compile(
    r"(?<![\d.,])(\d{0,18})\.(\d{0,18})"
    r"(?:\s?\\(?:overline|bar|dot)\s?(?:\{\s?(\d{1,18})\s?\}|(\d))|\((\d{1,18})\))(?!\d|\(|\s?\\(?:dot|bar|overline))",
    re.ASCII,
)


def with_fractions_for_repeating_decimals(text: str) -> str:
    r"""`text` with each repeating decimal as a fraction; 0.\dot{1}\dot{2} stays as it is."""
    if "." not in text or ("(" not in text and "\\" not in text):
        return text
    return _REPEATING.sub(_fraction, text)


def _fraction(match: re.Match[str]) -> str:
    whole, before, *repetends = match.groups()
    repetend = next(digits for digits in repetends if digits)
    value = repeating_decimal(whole, before, repetend)
    return f"{value.numerator}/{value.denominator} " if value.denominator > 1 else f"{value} "


def repeating_decimal(whole: str, before: str, repetend: str) -> Fraction:
    """The value of whole.before with `repetend` again and again behind it."""
    start = Fraction(int(f"{whole}{before}" or "0"), 10 ** len(before))
    return start + Fraction(int(repetend), 10 ** len(before) * (10 ** len(repetend) - 1))
