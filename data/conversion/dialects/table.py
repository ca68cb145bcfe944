"""Dialects: families of thinking and answer markers, rows of a table (dialects.toml)."""

import hashlib
import itertools
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

BUNDLED_FILE = Path(__file__).with_name("dialects.toml")
NEW_TAGS = frozenset({REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE})
TAG = re.compile(r"<(\|?)/?([\w:]+)\1>\Z")  # a marker of one word
BRACKETS = (  # how templates, web pages and JSON write < and >
    ("<", ">"),
    ("&lt;", "&gt;"),
    ("&amp;lt;", "&amp;gt;"),
    ("&#0{0,4}60;", "&#0{0,4}62;"),
    ("&#x0{0,4}3c;", "&#x0{0,4}3e;"),
    (r"\\u003c", r"\\u003e"),
    ("\uff1c", "\uff1e"),
)
BRACKET_STARTS = ("<", "&", "\\u003c", "\\u003C", "\uff1c")  # every opening bracket starts so
HASHES = "####"  # GSM8K: the reasoning stands before it, the answer after it


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The markers of one family. The comments of dialects.toml explain each field.

    The fingerprint of a table hashes the repr of this class: do not rename it or its fields.
    """

    name: str
    thought_open: tuple[str, ...]
    thought_close: tuple[str, ...] = ()
    answer_open: tuple[str, ...] = ()
    answer_close: tuple[str, ...] = ()
    opener_may_be_missing: bool = False
    rest_is_answer: bool = False
    answer_ends_thought: bool = False
    answer_may_stay_open: bool = False
    inner: tuple[str, ...] = ()
    glue: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[tuple[str, ...], ...]:
        """The markers by role, in the order of a pattern such as 1110."""
        return (self.thought_open, self.thought_close, self.answer_open, self.answer_close)

    @property
    def markers(self) -> frozenset[str]:
        return frozenset(marker for markers in self.roles for marker in markers)


def _dialect(name: str, row: dict[str, Any]) -> Dialect:
    columns: dict[str, Any] = {
        column: tuple(value) if isinstance(value, list) else value for column, value in row.items()
    }
    return Dialect(name=name, **columns)


_BUNDLED: dict[str, Any] = tomllib.loads(BUNDLED_FILE.read_text(encoding="utf-8"))
# What chat templates write around turns. In a text to train on they are damage.
CHAT_TOKENS = frozenset(_BUNDLED["chat_tokens"])
BUNDLED_DIALECTS = tuple(_dialect(name, row) for name, row in _BUNDLED["dialect"].items())


@dataclass(frozen=True)
class DialectTable:
    """The bundled dialects and a person's own, with the sets and patterns made from them.

    Where an own and a bundled dialect share a marker, the own one counts. A table never changes,
    so threads may share it. Sets and patterns are computed at their first use.
    """

    own: tuple[Dialect, ...] = ()

    def __reduce__(self) -> tuple[type["DialectTable"], tuple[tuple[Dialect, ...]]]:
        return (DialectTable, (self.own,))  # a worker process computes sets and patterns itself

    @property
    def version(self) -> str:
        """Hash of the own dialects, "" without any. It is part of the converter's version."""
        if not self.own:
            return ""
        content = repr(sorted((dialect.name, dialect) for dialect in self.own))
        return f"dialects-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    @property
    def own_rows(self) -> dict[str, dict[str, Any]]:
        """The own dialects as plain values; `dialect_table` makes the same table of them."""
        return {
            dialect.name: {
                column: list(value) if isinstance(value, tuple) else value
                for column, value in asdict(dialect).items()
                if value and column != "name"
            }
            for dialect in self.own
        }

    @cached_property
    def dialects(self) -> dict[str, Dialect]:
        """All dialects by name: the bundled ones in the order of the file, then the own ones."""
        return {dialect.name: dialect for dialect in (*BUNDLED_DIALECTS, *self.own)}

    @cached_property
    def thought_markers(self) -> dict[str, Dialect]:
        """Marker that opens or closes a thought -> its dialect. A chat token names no dialect."""
        return {
            marker: dialect
            for dialect in self.dialects.values()
            for marker in dialect.thought_open + dialect.thought_close
            if marker not in CHAT_TOKENS
        }

    @cached_property
    def thought_endings(self) -> tuple[str, ...]:
        """Thought markers for `str.endswith`."""
        return tuple(self.thought_markers)

    @cached_property
    def escaped_thought_markers(self) -> frozenset[str]:
        """Thought markers as HTML escapes them."""
        return frozenset(escape(marker) for marker in self.thought_markers)

    @cached_property
    def thought_words(self) -> frozenset[str]:
        """The words of thought markers in lower case, such as think."""
        return _words(self.thought_markers)

    @cached_property
    def answer_markers(self) -> dict[str, Dialect]:
        """Marker that opens or closes an answer -> the first dialect with it, own ones first."""
        markers: dict[str, Dialect] = {}
        for dialect in (*self.own, *self.dialects.values()):
            for marker in dialect.answer_open + dialect.answer_close:
                if marker not in CHAT_TOKENS:
                    markers.setdefault(marker, dialect)
        return markers

    @cached_property
    def answer_words(self) -> frozenset[str]:
        """Every marker that opens or closes an answer in some dialect, chat tokens included."""
        return self._of_all(lambda dialect: dialect.answer_open + dialect.answer_close)

    @cached_property
    def openers(self) -> frozenset[str]:
        """Every marker that opens a thought or an answer in some dialect."""
        return self._of_all(lambda dialect: dialect.thought_open + dialect.answer_open)

    @cached_property
    def delimiters(self) -> frozenset[str]:
        """Every marker that opens or closes a thought or an answer in some dialect."""
        return self._of_all(lambda dialect: dialect.markers)

    @cached_property
    def old_markers(self) -> frozenset[str]:
        """All markers of all dialects, without the tags of the new format and chat tokens."""
        markers = self._of_all(lambda dialect: (*dialect.markers, *dialect.inner))
        return markers - NEW_TAGS - CHAT_TOKENS

    @cached_property
    def every_marker(self) -> frozenset[str]:
        """Markers, chat tokens and glue, as they are and as HTML escapes them."""
        glue = self._of_all(lambda dialect: dialect.glue)
        markers = self.old_markers | NEW_TAGS | CHAT_TOKENS | glue
        return markers | {escape(marker) for marker in markers if "<" in marker}

    @cached_property
    def any_marker(self) -> re.Pattern[str]:
        """Matches every marker and chat token; the longest where one is the start of another."""
        return re.compile(one_of(self.every_marker))

    @cached_property
    def marker_starts(self) -> tuple[str, ...]:
        """For each first character of a marker, the longest start that all such markers share."""
        by_first: dict[str, list[str]] = {}
        for marker in sorted(self.every_marker - {""}):
            by_first.setdefault(marker[0], []).append(marker)
        return tuple(_shared_start(markers[0], markers[-1]) for markers in by_first.values())

    @cached_property
    def nearly_a_marker(self) -> re.Pattern[str]:
        """Matches tags that are written almost as a marker is, and markers themselves.

        In another case, with spaces or other strokes, or escaped once more: `<THINK>`, `< think >`,
        `<begin_of_thought>`, `&amp;lt;think&amp;gt;`. Tags of a thought also with a namespace or
        attributes.
        """
        markers = self._of_all(lambda dialect: dialect.markers)
        words = _words(markers - CHAT_TOKENS)
        opened, closed = ("|".join(brackets) for brackets in zip(*BRACKETS, strict=True))
        strokes = r"[|\uff5c \t\r\n/]{0,3}"
        thoughts = one_of(self.thought_tags)
        return re.compile(
            rf"(?i)(?:{opened}){strokes}{one_of(words)}{strokes}(?:{closed})"
            rf"|</?(?:[a-z][\w.-]{{0,20}}:)?{thoughts}(?:[ \t\n][^<>]{{0,400}})?>"
        )

    @cached_property
    def thought_tags(self) -> frozenset[str]:
        """The words of the plain tags that open or close a thought, such as think."""
        tags = (TAG.match(marker) for marker in self.thought_markers)
        return frozenset(tag[2] for tag in tags if tag and not tag[1] and ":" not in tag[2])

    @cached_property
    def tag_variant(self) -> re.Pattern[str]:
        """Matches a tag of a thought with a namespace or attributes: `<mm:think>`, `<think t="3">`.

        Groups: slash, namespace, word, attributes.
        """
        value = r"(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|[^\s\"'<>=]{1,300})"
        return re.compile(
            rf"<(/?)([A-Za-z][\w.-]{{0,20}}:)?({one_of(self.thought_tags)})"
            rf"((?:\s{{1,4}}[\w:.-]{{1,40}}\s?=\s?{value}){{0,9}})\s?>"
        )

    def _of_all(self, markers_of: Callable[[Dialect], Iterable[str]]) -> frozenset[str]:
        return frozenset(
            marker for dialect in self.dialects.values() for marker in markers_of(dialect)
        )


BUNDLED = DialectTable()


def read_dialects(path: Path | None) -> DialectTable:
    """The table with a person's own dialects from a file like dialects.toml. None: BUNDLED."""
    if path is None:
        return BUNDLED
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("dialect", {})
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}. Expected a .toml file with tables"
            " [dialect.NAME]. Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no TOML file in UTF-8: {error}. Expected tables [dialect.NAME] as in"
            f" {BUNDLED_FILE.name}."
        ) from error
    if not isinstance(rows, dict) or not rows:
        raise UserError(f"{path} has no table [dialect.NAME]; expected one or more.")
    return dialect_table(rows, str(path))


def dialect_table(rows: dict[str, Any], origin: str) -> DialectTable:
    """The table with own dialects from tables [dialect.NAME] that are parsed already.

    origin: what error messages call them
    """
    return DialectTable(tuple(_checked(origin, name, row) for name, row in rows.items()))


def _checked(origin: str, name: str, row: Any) -> Dialect:
    columns = {field.name: field.type for field in fields(Dialect) if field.name != "name"}
    where = f"{origin} [dialect.{name}]"
    if not isinstance(row, dict) or not row.get("thought_open"):
        raise UserError(f"{where} has no thought_open; expected a list of one or more markers.")
    if name in BUNDLED.dialects:
        raise UserError(f"{where} has the name of a bundled dialect. Give it another name.")
    if unknown := sorted(row.keys() - columns.keys()):
        raise UserError(f"{where} has {', '.join(unknown)}; expected {', '.join(columns)}.")
    for column, value in row.items():
        if columns[column] is bool:
            valid, expected = isinstance(value, bool), "true or false"
        else:
            valid = isinstance(value, list) and all(isinstance(v, str) and v for v in value)
            expected = "a list of texts, none of them empty"
        if not valid:
            raise UserError(f"{where} {column} is {value!r}; expected {expected}.")
    return _dialect(name, row)


def _words(markers: Iterable[str]) -> frozenset[str]:
    tags = (TAG.match(marker) for marker in markers)
    return frozenset(tag.group(2).lower() for tag in tags if tag)


def _shared_start(first: str, last: str) -> str:
    """Of the first and the last of sorted words: all words between them start so too."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def escape(marker: str) -> str:
    """The marker as HTML writes it."""
    return marker.replace("<", "&lt;").replace(">", "&gt;")


def one_of(words: Iterable[str]) -> str:
    """A pattern for any of `words`, the longest first, that reads each character at most once.

    A plain a|b|c tries every word at every `<` of a hostile text.
    """
    tails: dict[str, set[str]] = {}
    ends = False
    for word in words:
        if word:
            tails.setdefault(word[0], set()).add(word[1:])
        else:
            ends = True
    if not tails:
        return ""
    branches = [re.escape(first) + one_of(rest) for first, rest in sorted(tails.items())]
    if len(branches) == 1 and not ends:
        return branches[0]
    return f"(?:{'|'.join(branches)}{'|' if ends else ''})"
