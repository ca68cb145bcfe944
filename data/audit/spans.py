"""Spans on screen: the texts of a record in which spans are counted, cut where its marks begin."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from data.sources import row_shapes

REASONING, ANSWER = "reasoning", "answer"  # labels of what was kept; others are defects


@dataclass(frozen=True)
class Mark:
    """[start, end) of a text, and what to say of it."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a text and the labels of all marks that cover it. It may be empty: a place."""

    text: str
    labels: tuple[str, ...]


def fields_of(shape: str, body: str) -> dict[str, str]:
    """The texts in which spans are counted: system, prompt, completion; all, if the shape fails."""
    values = json.loads(body)
    try:
        said = row_shapes.turns(shape, values)
    except row_shapes.WrongShape:
        return {"row": body}
    return {"system": said.system, "prompt": said.prompt, "completion": said.completion}


def marks_of(row: dict[str, Any], field: str) -> list[Mark]:
    """Defects and kept blocks that stand in `field`; row: as data.audit.queries.row gives it."""
    marks = [
        Mark(defect["start"], defect["end"], defect["phrase"])
        for defect in row["defects"]
        if defect["field"] == field
    ]
    if field == "completion" and row["reasoning"] is not None:
        marks.append(Mark(row["reasoning_start"], row["reasoning_end"], REASONING))
        marks.append(Mark(row["answer_start"], row["answer_end"], ANSWER))
    return marks


def pieces(text: str, marks: Iterable[Mark]) -> Iterator[Piece]:
    """`text` in order, cut wherever a mark begins or ends. Joined, the pieces are the text."""
    begins: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.end, mark.label)):
        begins.setdefault(mark.start, []).append(mark)
    ends = {mark.end for found in begins.values() for mark in found}
    edges = sorted({0, len(text)} | begins.keys() | ends)
    covering: list[Mark] = []
    for start, end in zip(edges, [*edges[1:], len(text)], strict=True):
        new = begins.get(start, [])
        if empty := tuple(dict.fromkeys(m.label for m in new if m.end == start)):
            yield Piece("", empty)
        covering = [m for m in covering + new if m.end > start]
        if end > start:
            yield Piece(text[start:end], tuple(dict.fromkeys(m.label for m in covering)))
