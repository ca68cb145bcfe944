"""Conversion: each record becomes one example, or is quarantined with its reason. None is lost.

Reasoning and answer are cut from the source, never rewritten: their spans are recorded. A repair
is a named rule, off unless asked for.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from data.conversion import repairs, text_defects
from data.conversion.blocks import Span as Place, Structure, structure
from data.conversion.boxes import Box, boxes, same_form
from data.conversion.defects import ERROR, Defect, in_order
from data.conversion.dialects import HASHES, dialects, own_version
from data.conversion.markers import markers_in, nearly_markers_in
from data.conversion.prompts import Rewrite, rewritten
from data.conversion.strays import misspelt, strays
from data.errors import UserError
from data.sources import row_shapes

VERSION = "1"
RULES = {
    "answer-from-box": r"the answer is what the last \boxed{} of the answer block holds",
    **repairs.RULES,
}

STATED = re.compile(
    r"(?:(?P<final>\bfinal answer)|\bthe answer)(?: is)?[\s:*$=]{0,6}"
    r"(?P<number>-?[0-9][0-9,]{0,30}(?:\.[0-9]{1,30})?)(?![0-9/^%\\]|[.,][0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Span:
    """text = completion[start:end], without the whitespace around it."""

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
    """What became of a row.

    candidate: what the markers say, whatever is wrong with it; None where they say too little
    """

    dialect: str | None
    pattern: str | None
    defects: tuple[Defect, ...]
    rewrites: tuple[Rewrite, ...] = ()
    candidate: Example | None = None

    @property
    def example(self) -> Example | None:
        """The candidate, where no defect is an error."""
        return None if self.reason else self.candidate

    @property
    def outcome(self) -> str:
        return "example" if self.example else "quarantined"

    @property
    def reason(self) -> str | None:
        """The first error: what quarantined the row."""
        return next((d.phrase for d in self.defects if d.severity == ERROR), None)


def converter(rules: frozenset[str]) -> str:
    """The version under which results are stored: of code, a person's dialects, and rules."""
    if unknown := sorted(rules - RULES.keys()):
        raise UserError(f"no rule {', '.join(unknown)}; the rules are {', '.join(RULES)}")
    return "+".join(part for part in (VERSION, own_version(), *sorted(rules)) if part)


def convert(shape: str, row: dict[str, Any], rules: frozenset[str] = frozenset()) -> Conversion:
    """What becomes of one row. Pure: the same row and rules give the same result."""
    converter(rules)
    try:
        said = row_shapes.turns(shape, row)
    except row_shapes.WrongShape as error:
        return Conversion(None, None, (Defect(error.phrase, "row", 0, 0),))
    text = said.completion
    prompt = rewritten(said.system, said.prompt)
    markers = markers_in(text)
    marked = shape != "gsm8k"
    nearly = nearly_markers_in(text, markers)
    found = structure(text, markers, prompt.opener, rules, nearly) if marked else _hashes(text)
    dialect = dialects().get(found.dialect or "")
    blocks = [span for span in (found.reasoning, found.answer) if span is not None]
    defects = [*prompt.defects, *found.defects, *strays(markers, dialect, blocks)]
    defects += misspelt(nearly, found.defects)
    defects += _of_texts(text, said.prompt, prompt.text, found)
    rewrites = prompt.rewrites + tuple(
        Rewrite(repair.rule, "completion", repair.at, repair.at, "", repair.marker)
        for repair in found.repairs
    )
    candidate = None
    if found.reasoning and found.answer:
        # GSM8K has its answer bare after ####: there is no box to take it from
        named = rules if marked else frozenset()
        answer, more, taken = _answer(text, said.prompt, found.reasoning, found.answer, named)
        defects += [] if found.defects else more
        rewrites += taken
        whole = Example(prompt.text, _cut(text, found.reasoning), _cut(text, answer or Place(0, 0)))
        candidate = whole if whole.reasoning.text and whole.answer.text else None
    return Conversion(found.dialect, found.pattern, in_order(defects), rewrites, candidate)


def _cut(text: str, place: Place) -> Span:
    return Span(text[place.start : place.end], place.start, place.end)


def _hashes(text: str) -> Structure:
    """GSM8K's own form: all before the last `####` is the reasoning, all after it the answer."""
    at = text.rfind(HASHES)
    if at < 0:
        where = Defect("no answer", "completion", len(text), len(text))
        return Structure(None, None, defects=(where,), closed=True)
    reasoning = Place(0, at).stripped(text)
    answer = Place(at + len(HASHES), len(text)).stripped(text)
    defects = []
    if reasoning.start == reasoning.end:
        defects.append(Defect("no thinking", "completion", 0, at))
    if answer.start == answer.end:
        defects.append(Defect("answer empty", "completion", answer.start, answer.end))
    first = text.find(HASHES)
    if first < at:
        given = text[first + len(HASHES) :].lstrip().split("\n")[0].strip()
        same = given == text[answer.start : answer.end]
        phrase = "doubled block" if same else "two answers that differ"
        defects.append(Defect(phrase, "completion", first, first + len(HASHES)))
    return Structure("hashes", None, reasoning, answer, (), tuple(defects), closed=True)


def _of_texts(text: str, asked: str, prompt: str, found: Structure) -> list[Defect]:
    """Defects of the texts themselves, whatever their markers say."""
    defects = text_defects.failed(asked, "prompt") + text_defects.failed(text, "completion")
    if not prompt:
        defects.append(Defect("prompt empty", "prompt", 0, len(asked)))
    for place in (found.reasoning, found.answer):
        if place is not None and place.start > 0:
            inside = text[place.start : place.end]
            is_answer = place is found.answer
            defects += text_defects.failed(inside, "completion", place.start, is_answer)
    if not any(d.phrase == "error text instead of content" for d in defects):
        defects += [
            Defect("text outside the blocks", "completion", place.start, place.end)
            for place in found.outside
        ]
    defects += text_defects.looped(text, "completion") + text_defects.mixed(text, asked)
    if not found.closed:
        known = any(d.phrase == "text cut off" for d in found.defects)
        defects += [] if known else text_defects.cut_off(text)
    return defects


def _answer(
    text: str, asked: str, reasoning: Place, block: Place, rules: frozenset[str]
) -> tuple[Place | None, list[Defect], tuple[Rewrite, ...]]:
    """The answer that is trained on, the defects of the answer block, and what a rule changed."""
    given = boxes(text, block.start, block.end)
    defects = _differing(text, reasoning, block, given)
    short = text_defects.not_short(text[block.start : block.end], block.start)
    if "answer-from-box" in rules:
        if not given:
            missing = Defect("boxed answer missing", "completion", block.start, block.end, ERROR)
            return None, [*defects, *short, missing], ()
        answer = Place(given[-1].start, given[-1].end).stripped(text)
        before, after = text[block.start : block.end], text[answer.start : answer.end]
        rewrite = Rewrite("answer-from-box", "completion", block.start, block.end, before, after)
        defects += text_defects.not_short(after, answer.start)
        return answer, defects, (rewrite,)
    if "\\boxed" in asked and not given and not short:
        defects.append(Defect("boxed answer missing", "completion", block.start, block.end))
    return block, defects + short, ()


def _differing(text: str, reasoning: Place, block: Place, given: list[Box]) -> list[Defect]:
    """Whether the answers that the block states differ, or its boxes from the reasoning's last."""
    stated = list(STATED.finditer(text, block.start, block.end))
    if len({Decimal(match["number"].replace(",", "")) for match in stated}) > 1:
        last = stated[-1]
        if last["final"]:  # else these may be answers to several questions
            return [Defect("two answers that differ", "completion", *last.span())]
    if not given:
        return []
    concluded = boxes(text, reasoning.start, reasoning.end)[-1:]
    if len({same_form(box.text) for box in concluded + given}) == 1:
        return []
    return [Defect("two answers that differ", "completion", given[-1].start, given[-1].end)]
