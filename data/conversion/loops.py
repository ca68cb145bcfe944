"""Loops: where a text says the same again and again, by characters, words or lines.

Characters and words loop within a line; where several lines come again, lines loop.
Few texts loop, and to search one thoroughly takes a hundred times as long as to see that it cannot:
`may_loop` is asked first.
"""

import re
from collections import Counter

import numpy as np

CHARACTERS = 200  # the same letter or digit so many times in a row
LONGEST_UNIT = 8  # words or lines that repeat together
LENGTH = 240  # shortest loop [characters]
FEW_LETTERS = 60  # copies that make a loop of numbers or single letters; tables have fewer
# A probe is a piece of text that is looked for in its neighbourhood. Of eight copies that are
# LENGTH long together, a probe lies whole in the first seven, and stands there four times or more
# without overlap.
PROBE, STRIDE = 16, 192
PERIOD = 240  # longest copy of a loop of words [characters]
TIMES = 4
PIECES = {
    "line": re.compile(r"[^\n]*[^\s][^\n]*"),
    "word": re.compile(r"\S+|\n"),
}


def loop_in(text: str) -> tuple[int, int] | None:
    """The first loop, as [start, end). Formatting (rules, table borders, zeros) is none."""
    if not may_loop(text):
        return None
    found = [span for span in (_of_characters(text), *map(_of(text), PIECES)) if span]
    return min(found, default=None)


def may_loop(text: str) -> bool:
    """False where no loop can be: no line of words comes five times, no probe again near by."""
    if len(text) < CHARACTERS:
        return False
    lines = text.split("\n")
    return _line_comes_often(lines) or any(
        _comes_again(line) for line in lines if len(line) >= CHARACTERS
    )


def _line_comes_often(given: list[str]) -> bool:
    """Whether a line comes as often as in a loop. Formatting alone makes none."""
    lines = [line for piece in given if (line := piece.strip())]
    needed = copies("line", 1)
    if len(lines) - len(set(lines)) < needed - 1:
        return False
    often = ((line, times) for line, times in Counter(lines).items() if times >= needed)
    return any(
        sum(map(str.isalpha, line)) >= 2 or (times >= FEW_LETTERS and any(map(str.isalnum, line)))
        for line, times in often
    )


def _comes_again(line: str) -> bool:
    """Whether a piece of the line stands there again near by, as often as in a loop."""
    for at in range(0, len(line) - PROBE, STRIDE):
        probe = line[at : at + PROBE]
        if line.find(probe, at + 1, at + PERIOD + PROBE) >= 0:
            near = max(0, at - 8 * PERIOD)
            if line.count(probe, near, at + 8 * PERIOD) >= TIMES:
                return True
    return False


def copies(kind: str, unit: int) -> int:
    """How many copies make a loop: few of lines, more of words, many of one to three words."""
    if kind == "line":
        return 5
    return 8 if unit > 3 else 20


def _of(text: str):
    return lambda kind: _of_pieces(text, kind)


def _of_characters(text: str) -> tuple[int, int] | None:
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


def _of_pieces(text: str, kind: str) -> tuple[int, int] | None:
    spans = [match.span() for match in PIECES[kind].finditer(text)]
    numbers: dict[str, int] = {}
    said = (text[start:end].strip() for start, end in spans)
    ids = np.array([numbers.setdefault(piece, len(numbers)) for piece in said])
    for unit in range(1, LONGEST_UNIT + 1):
        needed = unit * (copies(kind, unit) - 1)  # places in a row that equal one `unit` before
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
