"""Conversion: each record becomes one example, or is quarantined with a reason. None is lost.

Reasoning and answer are cut from the source, never rewritten: their spans are recorded. A repair
is a named rule, off by default.
"""

from dataclasses import dataclass
from typing import Any

from data.conversion import detect, repairs
from data.conversion.answers import are_parts, differing, with_neighbours
from data.conversion.blocks import (
    Blocks,
    Span,
    find_blocks,
    is_empty_answer,
    without_answer_tags,
)
from data.conversion.boxes import boxes, last_box
from data.conversion.defects import ERROR, Defect, in_order
from data.conversion.dialects import BUNDLED, HASHES, DialectTable, Marker, markers_and_nearly
from data.conversion.error_texts import PHRASE as ERROR_TEXT, error_text, may_be_a_mark, placeholder
from data.conversion.prompts import Rewrite, rewritten
from data.errors import UserError
from data.sources import row_shapes

VERSION = "7"
RULES = {
    "answer-from-box": r"the answer is what the last \boxed{} of the answer block holds",
    "first-exchange": "of a conversation of several turns, the first question and its answer",
    **repairs.RULES,
}


@dataclass(frozen=True)
class Excerpt:
    """text = completion[start:end], without the whitespace around it."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    prompt: str
    reasoning: Excerpt
    answer: Excerpt


@dataclass(frozen=True)
class Conversion:
    """What became of a record.

    candidate: the example that the markers give, whatever defects it has; None where they do not
        delimit both a reasoning and an answer
    """

    dialect: str | None
    pattern: str | None
    defects: tuple[Defect, ...]
    rewrites: tuple[Rewrite, ...] = ()
    candidate: Example | None = None

    @property
    def example(self) -> Example | None:
        """The candidate, unless a defect is an error."""
        return None if self.reason else self.candidate

    @property
    def outcome(self) -> str:
        return "example" if self.example else "quarantined"

    @property
    def reason(self) -> str | None:
        """The first error: it quarantined the record."""
        return next((d.phrase for d in self.defects if d.severity == ERROR), None)


def converter_version(rules: frozenset[str], table: DialectTable = BUNDLED) -> str:
    """The name under which results are stored: version of the code, own dialects, and rules."""
    _check_rules(rules)
    return "+".join(part for part in (VERSION, table.version, *sorted(rules)) if part)


def _check_rules(rules: frozenset[str]) -> None:
    if unknown := sorted(rules - RULES.keys()):
        raise UserError(f"no rule {', '.join(unknown)}; the rules are {', '.join(RULES)}")


def convert(
    record: dict[str, Any],
    shape: str,
    table: DialectTable = BUNDLED,
    rules: frozenset[str] = frozenset(),
    split: str = "train",
) -> Conversion:
    """What becomes of one record. Pure: the same arguments give the same result.

    record: the row as its source has it
    split: in which it is; a flag such as `train: false` is about rows of the train split only
    shape: where the row holds its texts (data/sources/row_shapes.py)
    """
    _check_rules(rules)
    try:
        turns = row_shapes.turns(shape, record, "first-exchange" in rules, trained=split == "train")
    except row_shapes.WrongShape as error:
        return Conversion(None, None, (Defect(error.phrase, "row", 0, 0),))
    text = turns.completion
    prompt = rewritten(turns.system, turns.prompt, table)
    markers, nearly = markers_and_nearly(text, table)
    defects: list[Defect] = []
    if shape == "gsm8k":
        blocks = _hash_blocks(text)
        rules = frozenset()  # the answer after #### is bare: there is no box to take it from
    else:
        blocks = find_blocks(text, markers, table, opener=prompt.opener, rules=rules, nearly=nearly)
        blocks, tag_defects = without_answer_tags(text, blocks)
        defects += tag_defects
    defects += [*prompt.defects, *blocks.defects]
    if turns.left_out:
        defects.append(Defect("later turns left out", "row", 0, 0))
    if turns.unclear:
        defects.append(Defect(row_shapes.UNCLEAR_ROW, "row", 0, 0))
    defects += _stray_markers(markers, blocks, table) + detect.misspelt(nearly, blocks.defects)
    defects += _text_defects(text, turns.prompt, prompt.text, blocks)
    rewrites = prompt.rewrites + tuple(
        Rewrite(repair.rule, "completion", repair.at, repair.at, "", repair.marker)
        for repair in blocks.repairs
    )
    candidate = None
    if blocks.reasoning and blocks.answer:
        answer, answer_defects, answer_rewrites = _answer(
            text, turns.prompt, blocks.reasoning, blocks.answer, rules
        )
        defects += [] if blocks.defects else answer_defects
        rewrites += answer_rewrites
        candidate = _candidate(text, prompt.text, blocks.reasoning, answer)
    return Conversion(blocks.dialect, blocks.pattern, in_order(defects), rewrites, candidate)


def _candidate(text: str, prompt: str, reasoning: Span, answer: Span | None) -> Example | None:
    if answer is None or reasoning.start == reasoning.end or answer.start == answer.end:
        return None
    return Example(prompt, _excerpt(text, reasoning), _excerpt(text, answer))


def _excerpt(text: str, span: Span) -> Excerpt:
    return Excerpt(text[span.start : span.end], span.start, span.end)


def _stray_markers(markers: list[Marker], blocks: Blocks, table: DialectTable) -> list[Defect]:
    spans = [span for span in (blocks.reasoning, blocks.answer) if span is not None]
    dialect = table.dialects.get(blocks.dialect or "")
    return detect.stray_markers(markers, dialect, spans, table)


def _hash_blocks(text: str) -> Blocks:
    """GSM8K's form: the reasoning stands before the last `####`, the answer after it."""
    at = text.rfind(HASHES)
    if at < 0:
        missing = Defect("no answer", "completion", len(text), len(text))
        return Blocks(None, None, defects=(missing,), closed=True)
    reasoning = Span(0, at).stripped(text)
    answer = Span(at + len(HASHES), len(text)).stripped(text)
    defects = []
    if reasoning.start == reasoning.end:
        defects.append(Defect("no thinking", "completion", 0, at))
    if is_empty_answer(text[answer.start : answer.end]):
        defects.append(Defect("answer empty", "completion", answer.start, answer.end))
    first = text.find(HASHES)
    if first < at:
        first_answer = text[first + len(HASHES) :].lstrip().split("\n")[0].strip()
        same = first_answer == text[answer.start : answer.end]
        phrase = "doubled block" if same else "two answers that differ"
        defects.append(Defect(phrase, "completion", first, first + len(HASHES)))
    return Blocks("hashes", None, reasoning, answer, (), tuple(defects), closed=True)


def _text_defects(text: str, source_prompt: str, prompt: str, blocks: Blocks) -> list[Defect]:
    """Defects of the texts themselves, whatever their markers.

    source_prompt: as the record has it; prompt: as it is trained on
    """
    defects = error_text(source_prompt, "prompt", role="prompt") + error_text(text, "completion")
    if blocks.reasoning is not None and blocks.answer is not None:
        defects += _placeholder(text, source_prompt, blocks.answer)
    if not prompt:
        defects.append(Defect("prompt empty", "prompt", 0, len(source_prompt)))
    for span in (blocks.reasoning, blocks.answer):
        if span is not None and span.start > 0:
            inside = text[span.start : span.end]
            role = "answer" if span is blocks.answer else "reasoning"
            defects += error_text(inside, "completion", span.start, role)
    if not any(d.phrase == ERROR_TEXT for d in defects):
        defects += [
            Defect("text outside the blocks", "completion", span.start, span.end)
            for span in blocks.outside
        ]
    defects += detect.repetition(text, "completion") + detect.mixed_scripts(text, source_prompt)
    if not blocks.closed and not any(d.phrase == "text cut off" for d in blocks.defects):
        answer = blocks.answer
        is_mark = answer is not None and may_be_a_mark(
            source_prompt, text[answer.start : answer.end]
        )
        defects += [] if is_mark else detect.cut_off(text)
    return defects


def _placeholder(text: str, prompt: str, answer: Span) -> list[Defect]:
    content = text[answer.start : answer.end]
    box = last_box(content)
    return placeholder(prompt, content, box.text if box else None, answer.start)


def _answer(
    text: str, source_prompt: str, reasoning: Span, block: Span, rules: frozenset[str]
) -> tuple[Span | None, list[Defect], tuple[Rewrite, ...]]:
    """The answer to train on, the defects of the answer block, and the rewrite of a rule."""
    boxed = boxes(text, block.start, block.end)
    defects = differing(text, reasoning, block, boxed)
    long = detect.not_short(text[block.start : block.end], block.start)
    if "answer-from-box" in rules:
        if not boxed:
            missing = Defect("boxed answer missing", "completion", block.start, block.end, ERROR)
            return None, [*defects, *long, missing], ()
        is_whole = with_neighbours(text, block, boxed)[-1].is_whole
        if are_parts(text, block, boxed) or not is_whole:  # one box would be a part of the answer
            return block, defects + long, ()
        answer = Span(boxed[-1].start, boxed[-1].end).stripped(text)
        before, after = text[block.start : block.end], text[answer.start : answer.end]
        rewrite = Rewrite("answer-from-box", "completion", block.start, block.end, before, after)
        defects += detect.not_short(after, answer.start)
        return answer, defects, (rewrite,)
    if "\\boxed" in source_prompt and not boxed and not long:
        defects.append(Defect("boxed answer missing", "completion", block.start, block.end))
    return block, defects + long, ()
