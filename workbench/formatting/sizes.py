"""Sizes of files as people read and write them: 19.5 GB."""

import re

UNITS = ("B", "kB", "MB", "GB", "TB")


def size_text(size: int) -> str:
    """`950 B`, `18.9 MB` or `19.5 GB`; a kB is 1,000 bytes."""
    value, unit = float(size), 0
    while value >= 999.95 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {UNITS[unit]}"


def bytes_of(text: str) -> int | None:
    """The bytes of `19.5 GB`, `500MB` or `1000`; None for what is no size."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?B)?", text.strip())
    if match is None:
        return None
    return round(float(match[1]) * 1000 ** UNITS.index(match[2] or "B"))
