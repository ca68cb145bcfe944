"""Spans: the texts of a record, cut into pieces where defects and the kept blocks begin and end."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from data.sources import row_shapes

REASONING, ANSWER = "reasoning", "answer"  # labels of kept blocks; all other labels are defects


@dataclass(frozen=True)
class Mark:
    """A span [start, end) of a text, with a label."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a text and the labels of all marks that cover it. An empty one is a position."""

    text: str
    labels: tuple[str, ...]


def fields_of(shape: str, body: str) -> dict[str, str]:
    """The texts that spans refer to: system, prompt, completion; or else the row."""
    values = json.loads(body)
    try:
        turns = row_shapes.turns(shape, values, first_exchange=True)
    except row_shapes.WrongShape as error:
        if error.phrase not in (row_shapes.NOT_TRAINED, row_shapes.UNCLEAR):
            return {"row": body}
        # an example all the same where its split is not the one to train on
        turns = row_shapes.turns(shape, values, first_exchange=True, trained=False)
        return {"row": body, **_texts(turns)}
    return _texts(turns)


def _texts(turns: row_shapes.Turns) -> dict[str, str]:
    return {"system": turns.system, "prompt": turns.prompt, "completion": turns.completion}


def marks_of(row: dict[str, Any], field: str) -> list[Mark]:
    """Defects and kept blocks in `field`. row: of data.audit.rows.row"""
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
    """`text` in order, cut where a mark begins or ends. The pieces, joined, are the text."""
    begins: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.end, mark.label)):
        begins.setdefault(mark.start, []).append(mark)
    ends = {mark.end for starting in begins.values() for mark in starting}
    edges = sorted({0, len(text)} | begins.keys() | ends)
    covering: list[Mark] = []
    for start, end in zip(edges, [*edges[1:], len(text)], strict=True):
        new = begins.get(start, [])
        if empty := tuple(dict.fromkeys(m.label for m in new if m.end == start)):
            yield Piece("", empty)
        covering = [m for m in covering + new if m.end > start]
        if end > start:
            yield Piece(text[start:end], tuple(dict.fromkeys(m.label for m in covering)))
