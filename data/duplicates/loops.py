"""Repetition loops: where a text repeats the same characters, words or lines again and again.

Characters and words repeat within a line, lines repeat across lines. Few texts loop, and a full
search takes a hundred times as long as the check that a text cannot loop: `may_loop` comes first.
"""

import re
from collections import Counter

import numpy as np

CHARACTERS = 200  # copies in a row of one letter or digit that make a loop
LONGEST_UNIT = 8  # words or lines that repeat together
LENGTH = 240  # shortest loop [characters]
FEW_LETTERS = 60  # copies that make a loop of numbers or single letters; tables have fewer
# A probe is a piece of text that is searched for near its own position. Where eight copies are
# LENGTH long together, a whole probe lies in the first seven of them, and occurs there TIMES times
# or more without overlap.
PROBE, STRIDE = 16, 192
PERIOD = 240  # longest copy of a loop of words [characters]
TIMES = 4
PIECES = {
    # from ^: otherwise the search of a blank line begins again at each of its blanks
    "line": re.compile(r"(?m)^[^\S\n]*\S[^\n]*"),
    "word": re.compile(r"\S+|\n"),
}


def loop_in(text: str) -> tuple[int, int] | None:
    """The first loop, as [start, end). Repeated formatting (rules, table borders) is no loop."""
    if not may_loop(text):
        return None
    spans = [_character_loop(text), *(_loop_of(kind, text) for kind in PIECES)]
    return min((span for span in spans if span), default=None)


def may_loop(text: str) -> bool:
    """False if no loop is possible: no line of words occurs 5 times, no probe occurs again near."""
    if len(text) < CHARACTERS:
        return False
    lines = text.split("\n")
    return _a_line_repeats(lines) or any(
        _a_probe_repeats(line) for line in lines if len(line) >= CHARACTERS
    )


def _a_line_repeats(raw_lines: list[str]) -> bool:
    """Whether a line occurs as often as in a loop. A line of formatting does not count."""
    lines = [line for raw_line in raw_lines if (line := raw_line.strip())]
    needed = copies("line", 1)
    if len(lines) - len(set(lines)) < needed - 1:
        return False
    often = ((line, times) for line, times in Counter(lines).items() if times >= needed)
    return any(
        sum(map(str.isalpha, line)) >= 2 or (times >= FEW_LETTERS and any(map(str.isalnum, line)))
        for line, times in often
    )


def _a_probe_repeats(line: str) -> bool:
    """Whether a probe of the line occurs near its position as often as in a loop."""
    for at in range(0, len(line) - PROBE, STRIDE):
        probe = line[at : at + PROBE]
        if line.find(probe, at + 1, at + PERIOD + PROBE) >= 0:
            near = max(0, at - 8 * PERIOD)
            if line.count(probe, near, at + 8 * PERIOD) >= TIMES:
                return True
    return False


def copies(kind: str, unit: int) -> int:
    """How many copies make a loop: few of lines, more of long units of words, most of short ones.

    unit: how many lines or words repeat together
    """
    if kind == "line":
        return 5
    return 8 if unit > 3 else 20


def _character_loop(text: str) -> tuple[int, int] | None:
    if len(text) < CHARACTERS:
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    edges = np.flatnonzero(np.diff(codes)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(codes)])))
    for run in np.flatnonzero(lengths >= CHARACTERS):
        if text[starts[run]].isalnum():
            return int(starts[run]), int(starts[run] + lengths[run])
    return None


def _loop_of(kind: str, text: str) -> tuple[int, int] | None:
    """The first loop of lines or words: consecutive pieces equal those `unit` pieces before."""
    spans = [match.span() for match in PIECES[kind].finditer(text)]
    numbers: dict[str, int] = {}
    pieces = (text[start:end].strip() for start, end in spans)
    ids = np.array([numbers.setdefault(piece, len(numbers)) for piece in pieces])
    for unit in range(1, LONGEST_UNIT + 1):
        needed = unit * (copies(kind, unit) - 1)  # equal pieces in a row, `unit` apart
        if len(ids) <= needed:
            break
        same = np.concatenate(([False], ids[unit:] == ids[:-unit], [False]))
        edges = np.flatnonzero(same[1:] != same[:-1])
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            if last - first < needed:
                continue
            start, end = spans[first][0], spans[min(last + unit, len(spans)) - 1][1]
            copy = text[start : spans[first + unit - 1][1]]
            words = sum(map(str.isalpha, copy)) >= 2 * unit
            often = last - first >= unit * (FEW_LETTERS - 1) and any(map(str.isalnum, copy))
            if end - start >= LENGTH and (words or often):
                return start, end
    return None
