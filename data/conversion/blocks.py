"""Structure: which span of a text is the reasoning and which the answer, as its markers say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from data.conversion.boxes import boxes
from data.conversion.defects import ERROR, Defect
from data.conversion.dialects import Dialect, answer_markers, escape, thought_markers, thought_words
from data.conversion.markers import Marker
from data.conversion.repairs import Repair, repairs

ANSWER_WORDS = re.compile(
    r"\*\*Final Answer|Final Answer:|The (?:final )?answer is|^#### |<answer>", re.MULTILINE | re.I
)

# of a tag, and of its brackets where they are escaped
NOT_WORDS = re.compile(r"&amp;[lg]t;|&[lg]t;|&#x?[0-9a-f]+;|\\u003[ce]|[^\w:]", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """[start, end) of a text."""

    start: int
    end: int

    def stripped(self, text: str) -> "Span":
        """The same span without the whitespace at its ends."""
        inner = text[self.start : self.end]
        start = self.start + len(inner) - len(inner.lstrip())
        return Span(start, start + len(inner.strip()))


@dataclass(frozen=True)
class Structure:
    """What the markers say. A span is None where they do not say it; both are stripped.

    outside: stretches that belong to neither block nor are markers
    closed: whether the last block has a marker at its end, so that it cannot be cut off
    repairs: markers that are not there and were taken as if they were
    """

    dialect: str | None
    pattern: str | None
    reasoning: Span | None = None
    answer: Span | None = None
    outside: tuple[Span, ...] = ()
    defects: tuple[Defect, ...] = ()
    closed: bool = False
    repairs: tuple[Repair, ...] = ()


@dataclass
class Blocks:
    """The dialect's own markers in a text, by what they do."""

    thought_open: list[Marker] = field(default_factory=list)
    thought_close: list[Marker] = field(default_factory=list)
    answer_open: list[Marker] = field(default_factory=list)
    answer_close: list[Marker] = field(default_factory=list)

    @property
    def four(self) -> tuple[list[Marker], ...]:
        return (self.thought_open, self.thought_close, self.answer_open, self.answer_close)

    def of(self, marker: str, dialect: Dialect) -> list[Marker]:
        """The list that `marker` of `dialect` belongs to."""
        pairs = zip(self.four, dialect.four, strict=True)
        return next(places for places, words in pairs if marker in words)


def dialect_of(markers: list[Marker]) -> Dialect | None:
    """The dialect of the first thought marker; without one, of the first answer marker."""
    for table in (thought_markers(), answer_markers()):
        for marker in markers:
            if not marker.quoted and marker.text in table:
                return table[marker.text]
    return None


def structure(
    text: str,
    markers: list[Marker],
    opener: Dialect | None = None,
    rules: frozenset[str] = frozenset(),
    nearly: Sequence[Marker] = (),
) -> Structure:
    """The blocks of `text`, repaired by `rules` of data/conversion/repairs.py.

    opener: the dialect whose thought the prompt has opened already
    nearly: what is written almost as a marker
    """
    dialect = opener or dialect_of(markers)
    if dialect is None:
        return Structure(None, "0000", defects=_without_dialect(text, markers, nearly))
    blocks = blocks_of(markers, dialect)
    pattern = "".join(str(int(bool(found))) for found in blocks.four)
    closed = bool(blocks.answer_close) and not text[blocks.answer_close[-1].end :].strip()
    may_miss = opener is not None or dialect.opener_may_be_missing
    made = repairs(len(text), blocks.four, dialect, rules, may_miss) if rules else []
    for repair in made:
        marker = Marker(repair.marker, repair.at, repair.at, quoted=False, mention=False)
        blocks.of(marker.text, dialect).append(marker)
    thought, errors = _thought(text, blocks, dialect, may_miss, opener is not None)
    answer: Span | None = None
    if not any(defect.phrase == "thought never closed" for defect in errors):
        answer, more = _answer(text, blocks, dialect)
        errors += more
    errors += _doubled(text, blocks)
    if thought is not None and not errors:
        errors += _empty(text, thought, answer, bool(blocks.answer_open))
    outside = (
        ()
        if errors or thought is None or answer is None
        else _outside(text, dialect, blocks, answer)
    )
    return Structure(
        dialect.name, pattern, thought, answer, outside, tuple(errors), closed, tuple(made)
    )


def blocks_of(markers: list[Marker], dialect: Dialect) -> Blocks:
    """The unquoted markers of `dialect`. An opener that is a word of an open thought is none."""
    blocks = Blocks()
    for marker in markers:
        if marker.quoted:
            continue
        thinking = not blocks.thought_close
        if marker.text in dialect.thought_open:
            if not (marker.mention and blocks.thought_open):
                blocks.thought_open.append(marker)
        elif marker.text in dialect.thought_close:
            if dialect.answer_ends_thought and blocks.answer_open:
                blocks.answer_close.append(marker)
                continue
            blocks.thought_close.append(marker)
        elif marker.text in dialect.answer_open:
            # where the rest is the answer, an answer block inside the thought is no structure
            within = thinking and (blocks.thought_open or dialect.opener_may_be_missing)
            optional = dialect.rest_is_answer and not dialect.answer_ends_thought
            if not (within and (marker.mention or optional)):
                blocks.answer_open.append(marker)
        elif marker.text in dialect.answer_close and (
            blocks.answer_open or not dialect.rest_is_answer
        ):
            blocks.answer_close.append(marker)
    return blocks


def _without_dialect(
    text: str, markers: list[Marker], nearly: Sequence[Marker]
) -> tuple[Defect, ...]:
    for marker in markers:
        if marker.text in {escape(name) for name in thought_markers()} and not marker.quoted:
            return (Defect("markers escaped as HTML", "completion", marker.start, marker.end),)
    for marker in nearly:
        if not marker.quoted and NOT_WORDS.sub("", marker.text).lower() in thought_words():
            return (Defect("marker misspelt", "completion", marker.start, marker.end, ERROR),)
    return (Defect("no thinking", "completion", 0, len(text)),)


def _thought(
    text: str, blocks: Blocks, dialect: Dialect, may_miss: bool, opened: bool
) -> tuple[Span | None, list[Defect]]:
    opens, closes = blocks.thought_open, blocks.thought_close
    if not closes and dialect.answer_ends_thought:
        closes = blocks.answer_open
    if not (opens or opened or blocks.thought_close or (may_miss and closes)):
        return None, [Defect("no thinking", "completion", 0, len(text))]
    if not opens and not may_miss:
        return None, [_at("thought never opened", closes[0])]
    start = opens[0].end if opens else 0
    later = [close for close in closes if close.start >= start]
    if not later and closes:
        return None, [_at("order reversed", closes[0])]
    if not later:
        opener = Span(opens[0].start, len(text)) if opens else Span(0, len(text))
        return None, [Defect("thought never closed", "completion", opener.start, opener.end)]
    answer = blocks.answer_open
    if answer and answer[0].start < later[0].start:
        begin = opens[0].start if opens else 0
        # inside the open thought, or before it
        phrase = "order reversed" if blocks.thought_close else "thought never closed"
        return None, [Defect(phrase, "completion", min(begin, answer[0].start), answer[0].end)]
    return Span(start, later[0].start).stripped(text), []


def _answer(text: str, blocks: Blocks, dialect: Dialect) -> tuple[Span | None, list[Defect]]:
    opens, closes = blocks.answer_open, blocks.answer_close
    if opens:
        start = opens[0].end
        later = [close for close in closes if close.start >= start]
        if later:
            return Span(start, later[0].start).stripped(text), []
        if closes:
            return None, [_at("order reversed", closes[0])]
        if dialect.answer_may_stay_open:
            return Span(start, _end(text, dialect)).stripped(text), []
        return None, [Defect("text cut off", "completion", opens[0].start, len(text))]
    if closes:
        return None, [_at("answer never opened", closes[0])]
    if not blocks.thought_close:  # said already
        return None, []
    after = blocks.thought_close[0].end
    if dialect.rest_is_answer:
        return Span(after, len(text)).stripped(text), []
    thought = Span(0, blocks.thought_close[0].start)
    return None, [_no_answer(text, thought, "no answer", Span(after, len(text)))]


def _end(text: str, dialect: Dialect) -> int:
    """Where the text ends but for the dialect's own last tokens."""
    end = len(text.rstrip())
    for token in dialect.glue:
        if text.endswith(token, 0, end):
            return end - len(token)
    return end


def _is_glue(piece: str, dialect: Dialect) -> bool:
    for token in dialect.glue:
        piece = piece.replace(token, "")
    return not piece.strip()


def _doubled(text: str, blocks: Blocks) -> list[Defect]:
    opens, closes = blocks.answer_open, blocks.answer_close
    if len(opens) > 1 and len(closes) > 1:
        contents = {text[a.end : b.start].strip() for a, b in zip(opens, closes, strict=False)}
        if len(contents) > 1:
            return [_at("two answers that differ", opens[1])]
    return [_at("doubled block", found[1]) for found in blocks.four if len(found) > 1][:1]


def _empty(text: str, thought: Span, answer: Span | None, block: bool) -> list[Defect]:
    found = []
    if thought.start == thought.end:
        found.append(Defect("no thinking", "completion", thought.start, thought.end))
    if answer is not None and answer.start == answer.end:
        found.append(_no_answer(text, thought, "answer empty" if block else "no answer", answer))
    return found


def _no_answer(text: str, thought: Span, phrase: str, where: Span) -> Defect:
    """`phrase` at `where`, or that the reasoning alone has the answer."""
    inside = text[thought.start : thought.end]
    held = boxes(inside)
    word = ANSWER_WORDS.search(inside)
    if held:
        start, end = held[-1].start, held[-1].end
    elif word:
        start, end = word.span()
    else:
        return Defect(phrase, "completion", where.start, where.end)
    return Defect(
        "answer only inside the reasoning", "completion", thought.start + start, thought.start + end
    )


def _outside(text: str, dialect: Dialect, blocks: Blocks, answer: Span) -> tuple[Span, ...]:
    """Stretches with text before the thought, between the blocks and after the answer."""
    opens = blocks.thought_open
    before = Span(0, opens[0].start) if opens else Span(0, 0)
    thought_end = blocks.thought_close[0].end if blocks.thought_close else answer.start
    start = blocks.answer_open[0].start if blocks.answer_open else answer.start
    # an answer that was never closed reaches to the end
    after = blocks.answer_close[0].end if blocks.answer_close else len(text)
    between = Span(min(thought_end, start), start)
    stretches = (span.stripped(text) for span in (before, between, Span(after, len(text))))
    return tuple(s for s in stretches if not _is_glue(text[s.start : s.end], dialect))


def _at(phrase: str, marker: Marker) -> Defect:
    return Defect(phrase, "completion", marker.start, marker.end)
