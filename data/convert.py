"""Conversion: each record becomes one example, or is quarantined with its reason. None is lost.

Reasoning and answer are cut from the source, never rewritten: their spans are recorded. A repair
is a named rule, off unless asked for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from data import defects, shapes
from data.defects import Defect
from data.dialects import Dialect, Marker, dialect_of, dialects, markers_in, pattern_of
from data.prompts import Rewrite, rewritten

VERSION = "1"
RULES = {
    "answer-from-box": r"the answer is what the last \boxed{} of the answer block holds",
}


class UnknownRule(ValueError):
    """A repair of this name does not exist."""


@dataclass(frozen=True)
class Span:
    """A piece of the completion [characters], white space around it left out."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    prompt: str
    reasoning: Span
    answer: Span


@dataclass(frozen=True)
class Conversion:
    """What became of a record. `example` is there if no defect is an error.

    gold: the answer of a row that is a problem as well
    """

    dialect: str | None
    pattern: str | None
    defects: tuple[Defect, ...]
    rewrites: tuple[Rewrite, ...] = ()
    example: Example | None = None
    rules: tuple[str, ...] = field(default=())

    @property
    def outcome(self) -> str:
        return "example" if self.example else "quarantined"

    @property
    def reason(self) -> str | None:
        """The first error: what quarantined the record."""
        return next((d.phrase for d in self.defects if d.severity == defects.ERROR), None)


def converter(rules: frozenset[str]) -> str:
    """The version under which results are stored: of the code, and of the rules it may use."""
    if unknown := sorted(rules - RULES.keys()):
        raise UnknownRule(f"no rule {', '.join(unknown)}; the rules are {', '.join(RULES)}")
    return "+".join([VERSION, *sorted(rules)])


def convert(shape: str, row: dict[str, Any], rules: frozenset[str] = frozenset()) -> Conversion:
    """What becomes of one row. Pure: the same row and rules give the same result."""
    converter(rules)
    try:
        said = shapes.turns(shape, row)
    except shapes.WrongShape:
        return Conversion(None, None, (Defect("wrong shape", "row", 0, 0),))
    if shape == "gsm8k":
        return _gsm8k(said)
    return _marked(said, rules)


def _gsm8k(said: shapes.Turns) -> Conversion:
    """`reasoning #### answer`: the shape's own separator, not a dialect."""
    text = said.completion
    place = text.rfind("####")
    if place < 0:
        return Conversion(None, None, (Defect("no answer", "completion", len(text), len(text)),))
    reasoning, answer = span(text, 0, place), span(text, place + 4, len(text))
    found = []
    if not reasoning.text:
        found.append(Defect("no thinking", "completion", 0, place))
    if not answer.text:
        found.append(Defect("answer empty", "completion", place, len(text)))
    example = None if found else Example(said.prompt.strip(), reasoning, answer)
    return Conversion(None, None, tuple(found), (), example)


def _marked(said: shapes.Turns, rules: frozenset[str]) -> Conversion:
    text = said.completion
    prompt = rewritten(said.system, said.prompt)
    found = defects.text_defects(text, said.prompt)
    markers = markers_in(text)
    dialect = dialect_of(markers)
    reasoning = answer = None
    if dialect is None:
        found.append(Defect("no thinking", "completion", 0, 0))
    else:
        structure, reasoning, answer = _blocks(text, markers, dialect)
        found += structure
    if reasoning and answer:
        more, answer = _answer(text, said.prompt, answer, rules)
        found += more
    found.sort(key=lambda d: (d.severity != defects.ERROR, d.start))
    found += prompt.defects
    broken = any(d.severity == defects.ERROR for d in found)
    example = None
    if reasoning and answer and not broken:
        example = Example(prompt.prompt, reasoning, answer)
    return Conversion(
        dialect.name if dialect else None,
        pattern_of(text),
        tuple(found),
        prompt.rewrites,
        example,
        tuple(sorted(rules)) if example else (),
    )


def span(text: str, start: int, end: int) -> Span:
    """text[start:end] without the white space around it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(text[start:end], start, end)


def _blocks(
    text: str, markers: list[Marker], dialect: Dialect
) -> tuple[list[Defect], Span | None, Span | None]:
    """The defects of the markers' structure; the two blocks if there are none."""
    own = {marker: [m for m in markers if m.text == marker] for marker in dialect.markers}
    opens, closes = own[dialect.open], own[dialect.close]
    doubled = [places[1] for places in own.values() if len(places) > 1]
    if doubled:
        return [_at("doubled block", place) for place in doubled], None, None
    if not closes:
        place = opens[0] if opens else markers[0]
        return [_at("thought never closed" if opens else "no thinking", place)], None, None
    if not opens and not dialect.close_only:
        return [_at("thought never opened", closes[0])], None, None
    begin = opens[0].end if opens else 0
    if begin > closes[0].start:
        return [_at("order reversed", closes[0])], None, None
    reasoning = span(text, begin, closes[0].start)
    faults = [] if reasoning.text else [_at("no thinking", closes[0])]
    more, answer = _answer_block(text, own, dialect, closes[0], reasoning)
    faults += more
    if not any(fault.phrase == "order reversed" for fault in more):
        faults += _residue(text, markers, own, dialect, opens, closes[0])
    return faults, reasoning, answer


def _answer_block(
    text: str,
    own: dict[str, list[Marker]],
    dialect: Dialect,
    close: Marker,
    reasoning: Span,
) -> tuple[list[Defect], Span | None]:
    start, end = close.end, len(text)
    if dialect.answer_open and dialect.answer_close:
        opened, closed = own[dialect.answer_open], own[dialect.answer_close]
        if not opened:
            # a closer before the thought is no end of what follows it
            later = [place.start for place in closed if place.start >= close.end]
            missing = span(text, close.end, min(later, default=len(text)))
            return [_no_answer(text, reasoning, missing)], None
        if opened[0].start < close.end:
            return [_at("order reversed", opened[0])], None
        if not closed:
            return [Defect("text cut off", "completion", opened[0].start, len(text))], None
        if closed[0].start < opened[0].end:
            return [_at("order reversed", closed[0])], None
        start, end = opened[0].end, closed[0].start
        if not text[start:end].strip():
            return [Defect("answer empty", "completion", start, end)], None
    answer = span(text, start, end)
    if not answer.text:
        return [_no_answer(text, reasoning, answer)], None
    return [], answer


def _no_answer(text: str, reasoning: Span, missing: Span) -> Defect:
    inside = defects.boxes(text, reasoning.start, reasoning.end)
    if inside and not missing.text:
        return Defect(
            "answer only inside the reasoning", "completion", inside[-1].start, inside[-1].end
        )
    return Defect("no answer", "completion", missing.start, missing.end)


def _residue(
    text: str,
    markers: list[Marker],
    own: dict[str, list[Marker]],
    dialect: Dialect,
    opens: list[Marker],
    close: Marker,
) -> list[Defect]:
    """Markers of other dialects, and text outside of the blocks, which no block would hold."""
    mine = {marker.text for places in own.values() for marker in places}
    kin = {m for d in dialects().values() for m in d.markers if m in dialect.markers}
    found = [
        _at("residue of old markers", marker)
        for marker in markers
        if marker.text not in mine and marker.text not in kin
    ]
    if opens and text[: opens[0].start].strip() and not defects.FAILED.match(text):
        outside = span(text, 0, opens[0].start)
        found.append(Defect("residue of old markers", "completion", outside.start, outside.end))
    if dialect.answer_open and dialect.answer_close:
        opened, closed = own[dialect.answer_open], own[dialect.answer_close]
        edges = [(close.end, opened[0].start)] if opened else []
        edges += [(closed[0].end, len(text))] if closed else []
        for start, end in edges:
            if (outside := span(text, start, end)).text:
                found.append(
                    Defect("residue of old markers", "completion", outside.start, outside.end)
                )
    return found


def _answer(
    text: str, prompt: str, answer: Span, rules: frozenset[str]
) -> tuple[list[Defect], Span | None]:
    """The defects of the answer block, and the answer that is trained on."""
    found: list[Defect] = []
    inside = defects.boxes(text, answer.start, answer.end)
    if len({box.text.strip() for box in inside}) > 1:
        last = inside[-1]
        found.append(Defect("two answers that differ", "completion", last.start, last.end))
    if "answer-from-box" in rules and inside:
        box = span(text, inside[-1].start, inside[-1].end)
        return found, box
    if "answer-from-box" in rules or ("\\boxed" in prompt and not inside):
        long = "```" in answer.text or len(answer.text) > defects.SHORT
        phrase = "answer not short" if long else "boxed answer missing"
        found.append(Defect(phrase, "completion", answer.start, answer.end))
    elif "```" in answer.text or len(answer.text) > defects.SHORT:
        found.append(Defect("answer not short", "completion", answer.start, answer.end))
    # without its box there is no answer that the rule could take
    return found, None if "answer-from-box" in rules else answer


def _at(phrase: str, marker: Marker) -> Defect:
    return Defect(phrase, "completion", marker.start, marker.end)


def converted(
    shape: str, rows: Iterable[dict[str, Any]], rules: frozenset[str] = frozenset()
) -> Iterator[Conversion]:
    """`convert` for each of `rows`, in order."""
    return (convert(shape, row, rules) for row in rows)
