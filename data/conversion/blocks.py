"""Blocks: which span of a text is the reasoning and which the answer, according to its markers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from data.conversion.boxes import boxes, last_box
from data.conversion.defects import ERROR, Defect
from data.conversion.dialects import Dialect, DialectTable, Marker
from data.conversion.error_texts import says_nothing
from data.conversion.repairs import Repair, repairs

ANSWER_WORDS = re.compile(
    r"\*\*Final Answer|Final Answer:|The (?:final )?answer is|^#### |<answer>", re.MULTILINE | re.I
)

# the characters of a tag that are not part of a word: brackets (also escaped) and slashes
NOT_WORDS = re.compile(r"&amp;[lg]t;|&[lg]t;|&#x?[0-9a-f]+;|\\u003[ce]|[^\w:]", re.IGNORECASE)


# a thought as chat programs export it: every line of it begins with "> "
DETAILS = re.compile(r"\s*<details\b[^<>]{0,400}>\s{0,9}<summary\b", re.IGNORECASE)
# tags around an answer that other templates ask for
ANSWER_TAG = re.compile(
    r"<(/?)(response|final_response|final|final[_-]?answer|solution|conclusion)>", re.IGNORECASE
)


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
class Blocks:
    """The spans of reasoning and answer, without whitespace at their ends.

    reasoning, answer: None where the markers do not delimit it
    outside: stretches that are neither in a block nor markers
    closed: whether a marker ends the last block, so that the text cannot be cut off
    repairs: markers that are missing and were put in by a rule
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
class MarkersByRole:
    """The markers of one dialect in a text, by what they open or close."""

    thought_open: list[Marker] = field(default_factory=list)
    thought_close: list[Marker] = field(default_factory=list)
    answer_open: list[Marker] = field(default_factory=list)
    answer_close: list[Marker] = field(default_factory=list)

    @property
    def roles(self) -> tuple[list[Marker], ...]:
        """The four lists, in the order of a pattern such as 1110."""
        return (self.thought_open, self.thought_close, self.answer_open, self.answer_close)

    @property
    def pattern(self) -> str:
        """Which roles occur, such as 1110 for an answer that is never closed."""
        return "".join(str(int(bool(markers))) for markers in self.roles)

    def add_repair(self, repair: Repair, dialect: Dialect) -> None:
        """Put in the marker of `repair`, without width."""
        marker = Marker(repair.marker, repair.at, repair.at, quoted=False, mention=False)
        pairs = zip(self.roles, dialect.roles, strict=True)
        next(markers for markers, words in pairs if marker.text in words).append(marker)


def dialect_of(markers: list[Marker], table: DialectTable) -> Dialect | None:
    """The dialect of the first thought marker; without one, that of the first answer marker."""
    for dialects in (table.thought_markers, table.answer_markers):
        for marker in markers:
            if not marker.quoted and marker.text in dialects:
                return dialects[marker.text]
    return None


def find_blocks(
    text: str,
    markers: list[Marker],
    table: DialectTable,
    *,
    opener: Dialect | None = None,
    rules: frozenset[str] = frozenset(),
    nearly: Sequence[Marker] = (),
) -> Blocks:
    """The blocks of `text`, with the repairs that `rules` name.

    opener: the dialect whose thought the prompt has opened already
    nearly: what is written almost as a marker is
    """
    dialect = opener or dialect_of(markers, table)
    if dialect is None:
        defect = _without_dialect(text, markers, nearly, table)
        return Blocks(None, "0000", defects=(defect,))
    by_role = markers_by_role(markers, dialect)
    _drop_empty_thought(text, by_role)
    pattern = by_role.pattern
    closes = by_role.answer_close
    closed = bool(closes) and not text[closes[-1].end :].strip()
    may_miss = opener is not None or dialect.opener_may_be_missing
    repaired = repairs(len(text), by_role.roles, dialect, rules, may_miss) if rules else []
    for repair in repaired:
        by_role.add_repair(repair, dialect)
    thought, errors = _thought(text, by_role, dialect, may_miss, opener is not None)
    answer: Span | None = None
    if not any(defect.phrase == "thought never closed" for defect in errors):
        answer, answer_errors = _answer(text, by_role, dialect)
        errors += answer_errors
    errors += _doubled(text, by_role)
    if thought is not None and not errors:
        errors += _empty(text, thought, answer, bool(by_role.answer_open))
    outside: tuple[Span, ...] = ()
    if not errors and thought is not None and answer is not None:
        outside = _outside(text, dialect, by_role, answer)
    return Blocks(
        dialect.name, pattern, thought, answer, outside, tuple(errors), closed, tuple(repaired)
    )


def markers_by_role(markers: list[Marker], dialect: Dialect) -> MarkersByRole:
    """The unquoted markers of `dialect` by role.

    An opener that an open thought mentions as a word in a sentence does not count.
    """
    by_role = MarkersByRole()
    for marker in markers:
        if marker.quoted:
            continue
        if marker.text in dialect.thought_open:
            if not (marker.mention and by_role.thought_open):
                by_role.thought_open.append(marker)
        elif marker.text in dialect.thought_close:
            ends_answer = dialect.answer_ends_thought and by_role.answer_open
            (by_role.answer_close if ends_answer else by_role.thought_close).append(marker)
        elif marker.text in dialect.answer_open:
            if _opens_the_answer(marker, by_role, dialect):
                by_role.answer_open.append(marker)
        elif marker.text in dialect.answer_close and (
            by_role.answer_open or not dialect.rest_is_answer
        ):
            by_role.answer_close.append(marker)
    return by_role


def _drop_empty_thought(text: str, by_role: MarkersByRole) -> None:
    """Leave out a first thought that is empty, as templates write it, if another follows."""
    opens, closes = by_role.thought_open, by_role.thought_close
    if len(opens) > 1 and len(closes) > 1 and opens[0].end <= closes[0].start < opens[1].start:
        is_empty = not text[opens[0].end : closes[0].start].strip()
        if is_empty and not text[closes[0].end : opens[1].start].strip():
            del opens[0], closes[0]


def _opens_the_answer(marker: Marker, by_role: MarkersByRole, dialect: Dialect) -> bool:
    """False for a mention in the thought, and for an optional answer block inside the thought."""
    in_thought = not by_role.thought_close and (
        by_role.thought_open or dialect.opener_may_be_missing
    )
    optional = dialect.rest_is_answer and not dialect.answer_ends_thought
    return not (in_thought and (marker.mention or optional))


def _without_dialect(
    text: str, markers: list[Marker], nearly: Sequence[Marker], table: DialectTable
) -> Defect:
    for marker in markers:
        if marker.text in table.escaped_thought_markers and not marker.quoted:
            return Defect("markers escaped as HTML", "completion", marker.start, marker.end)
    for marker in nearly:
        if not marker.quoted and NOT_WORDS.sub("", marker.text).lower() in table.thought_words:
            return Defect("marker misspelt", "completion", marker.start, marker.end, ERROR)
    if details := DETAILS.match(text):
        return Defect("thought in a details block", "completion", *details.span())
    return Defect("no thinking", "completion", 0, len(text))


def without_answer_tags(text: str, blocks: Blocks) -> tuple[Blocks, list[Defect]]:
    """`blocks` without tags of no dialect around the answer, and a defect for each such tag."""
    if blocks.answer is None or blocks.defects or blocks.reasoning is None:
        return blocks, []
    answer = blocks.answer
    tags = list(ANSWER_TAG.finditer(text, answer.start, answer.end))
    defects = [Defect("answer in tags of no dialect", "completion", *tag.span()) for tag in tags]
    if len(tags) == 2 and tags[0].start() == answer.start and tags[1].end() == answer.end:
        inner = Span(tags[0].end(), tags[1].start()).stripped(text)
        same = tags[0][2] == tags[1][2] and (tags[0][1], tags[1][1]) == ("", "/")
        if same and inner.start < inner.end:
            return replace(blocks, answer=inner), defects
    return blocks, defects


def _thought(
    text: str, by_role: MarkersByRole, dialect: Dialect, may_miss: bool, opened: bool
) -> tuple[Span | None, list[Defect]]:
    opens, closes = by_role.thought_open, by_role.thought_close
    if not closes and dialect.answer_ends_thought:
        closes = by_role.answer_open
    if not (opens or opened or by_role.thought_close or (may_miss and closes)):
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
    answer = by_role.answer_open
    if answer and answer[0].start < later[0].start:
        begin = opens[0].start if opens else 0
        # inside the open thought, or before it
        phrase = "order reversed" if by_role.thought_close else "thought never closed"
        return None, [Defect(phrase, "completion", min(begin, answer[0].start), answer[0].end)]
    return Span(start, later[0].start).stripped(text), []


def _answer(
    text: str, by_role: MarkersByRole, dialect: Dialect
) -> tuple[Span | None, list[Defect]]:
    opens, closes = by_role.answer_open, by_role.answer_close
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
    if not by_role.thought_close:  # reported as a defect of the thought
        return None, []
    after = by_role.thought_close[0].end
    if dialect.rest_is_answer:
        return Span(after, len(text)).stripped(text), []
    thought = Span(0, by_role.thought_close[0].start)
    return None, [_no_answer(text, thought, "no answer", Span(after, len(text)))]


def _end(text: str, dialect: Dialect) -> int:
    """Where the text ends, without whitespace and the dialect's own end token."""
    end = len(text.rstrip())
    for token in dialect.glue:
        if text.endswith(token, 0, end):
            return end - len(token)
    return end


def _is_glue(piece: str, dialect: Dialect) -> bool:
    for token in dialect.glue:
        piece = piece.replace(token, "")
    return not piece.strip()


def _doubled(text: str, by_role: MarkersByRole) -> list[Defect]:
    opens, closes = by_role.answer_open, by_role.answer_close
    if len(opens) > 1 and len(closes) > 1:
        contents = {text[a.end : b.start].strip() for a, b in zip(opens, closes, strict=False)}
        if len(contents) > 1:
            return [_at("two answers that differ", opens[1])]
    doubled = [markers[1] for markers in by_role.roles if len(markers) > 1]
    return [_at("doubled block", marker) for marker in doubled[:1]]


def _empty(text: str, thought: Span, answer: Span | None, has_block: bool) -> list[Defect]:
    defects = []
    if thought.start == thought.end:
        defects.append(Defect("no thinking", "completion", thought.start, thought.end))
    if answer is not None and is_empty_answer(text[answer.start : answer.end]):
        phrase = "answer empty" if has_block or answer.start < answer.end else "no answer"
        defects.append(_no_answer(text, thought, phrase, answer))
    return defects


def is_empty_answer(answer: str) -> bool:
    """Whether an answer says nothing, or ends with an empty box."""
    box = last_box(answer)
    return says_nothing(answer) if box is None else not box.text.strip()


def _no_answer(text: str, thought: Span, phrase: str, where: Span) -> Defect:
    """`phrase` at `where`, or that only the reasoning holds the answer."""
    inside = text[thought.start : thought.end]
    if boxed := boxes(inside):
        start, end = boxed[-1].start, boxed[-1].end
    elif words := ANSWER_WORDS.search(inside):
        start, end = words.span()
    else:
        return Defect(phrase, "completion", where.start, where.end)
    return Defect(
        "answer only inside the reasoning", "completion", thought.start + start, thought.start + end
    )


def _outside(text: str, dialect: Dialect, by_role: MarkersByRole, answer: Span) -> tuple[Span, ...]:
    """Stretches with text before the thought, between the blocks and after the answer."""
    opens = by_role.thought_open
    before = Span(0, opens[0].start) if opens else Span(0, 0)
    thought_end = by_role.thought_close[0].end if by_role.thought_close else answer.start
    start = by_role.answer_open[0].start if by_role.answer_open else answer.start
    # an answer that was never closed reaches to the end
    after = by_role.answer_close[0].end if by_role.answer_close else len(text)
    between = Span(min(thought_end, start), start)
    stretches = (span.stripped(text) for span in (before, between, Span(after, len(text))))
    return tuple(s for s in stretches if not _is_glue(text[s.start : s.end], dialect))


def _at(phrase: str, marker: Marker) -> Defect:
    return Defect(phrase, "completion", marker.start, marker.end)
