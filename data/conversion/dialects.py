"""Dialects: families of thinking and answer markers, rows of a table (dialects.toml)."""

import hashlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

TABLE = Path(__file__).with_name("dialects.toml")
NEW_TAGS = frozenset({REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE})
TAG = re.compile(r"<(\|?)/?([\w:]+)\1>\Z")  # a marker of one word
BRACKETS = (  # how < and > come out of templates, pages and JSON
    ("<", ">"),
    ("&lt;", "&gt;"),
    ("&amp;lt;", "&amp;gt;"),
    ("&#0{0,4}60;", "&#0{0,4}62;"),
    ("&#x0{0,4}3c;", "&#x0{0,4}3e;"),
    (r"\\u003c", r"\\u003e"),
    ("\uff1c", "\uff1e"),
)
BEFORE_TAGS = ("<", "&", "\\u003c", "\\u003C", "\uff1c")  # what all of these begin with
HASHES = "####"  # GSM8K: all before it is the thought, all after it the answer


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The markers of one family; each field is explained in the table."""

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
    def four(self) -> tuple[tuple[str, ...], ...]:
        """The markers in the order of a pattern."""
        return (self.thought_open, self.thought_close, self.answer_open, self.answer_close)

    @property
    def markers(self) -> frozenset[str]:
        return frozenset(marker for markers in self.four for marker in markers)


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


_own: dict[str, Dialect] = {}  # of `use`


def use(path: Path | None) -> None:
    """Take the dialects of a person's own table, in the form of dialects.toml, instead of any such.

    Where a marker of theirs is one of the bundled table too, theirs counts. None: the bundled only.
    """
    use_rows({} if path is None else _rows(path), str(path))


def use_rows(rows: dict[str, Any], origin: str) -> None:
    """`use` of tables [dialect.NAME] that are read already. origin: what messages call them."""
    found = {name: _checked(origin, name, row) for name, row in rows.items()}
    _own.clear()
    _own.update(found)
    for cached in (
        dialects, thought_markers, answer_markers, old_markers, every_marker, any_marker, leads,
        nearly_a_marker, thought_words,
    ):  # fmt: skip
        cached.cache_clear()


def own_rows() -> dict[str, dict[str, Any]]:
    """The dialects that `use` took, as `use_rows` takes them."""
    return {
        name: {column: value for column, value in asdict(own).items() if value and column != "name"}
        for name, own in _own.items()
    }


@contextmanager
def in_use(rows: dict[str, Any], origin: str) -> Iterator[None]:
    """`use_rows` for a while; then those that were in use before."""
    before = own_rows()
    use_rows(rows, origin)
    try:
        yield
    finally:
        use_rows(before, "the dialects in use before")


def _rows(path: Path) -> dict[str, Any]:
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("dialect", {})
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}. Expected a .toml file with tables"
            " [dialect.NAME]. Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no TOML file in UTF-8: {error}. Expected tables [dialect.NAME] as in"
            f" {TABLE.name}."
        ) from error
    if not isinstance(rows, dict) or not rows:
        raise UserError(f"{path} has no table [dialect.NAME]; expected one or more.")
    return rows


def _checked(path: str, name: str, row: Any) -> Dialect:
    known = {field.name: field.type for field in fields(Dialect)} | {"name": None}
    where = f"{path} [dialect.{name}]"
    if not isinstance(row, dict) or not row.get("thought_open"):
        raise UserError(f"{where} has no thought_open; expected a list of one or more markers.")
    if name in _table()["dialect"]:
        raise UserError(f"{where} has the name of a bundled dialect. Give it another.")
    if unknown := sorted(row.keys() - known.keys() | row.keys() & {"name"}):
        raise UserError(f"{where} has {', '.join(unknown)}; expected {', '.join(known)}.")
    for column, value in row.items():
        if known[column] is bool:
            right = isinstance(value, bool)
        else:
            right = isinstance(value, list) and all(isinstance(v, str) and v for v in value)
        if not right:
            wanted = "true or false" if known[column] is bool else "a list of texts, none empty"
            raise UserError(f"{where} {column} is {value!r}; expected {wanted}.")
    return _dialect(name, row)


def own_version() -> str:
    """Empty, or the hash of a person's own dialects: another table is another converter."""
    if not _own:
        return ""
    content = repr(sorted(_own.items()))
    return f"dialects-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


@cache
def chat_tokens() -> frozenset[str]:
    """What chat templates write around turns. In a text that is trained on they are damage."""
    return frozenset(_table()["chat_tokens"])


@cache
def dialects() -> dict[str, Dialect]:
    """All dialects by name, in the order of the table."""
    rows: dict[str, dict[str, Any]] = _table()["dialect"]
    return {name: _dialect(name, row) for name, row in rows.items()} | _own


def _dialect(name: str, row: dict[str, Any]) -> Dialect:
    columns: dict[str, Any] = {
        column: tuple(value) if isinstance(value, list) else value for column, value in row.items()
    }
    return Dialect(name=name, **columns)


@cache
def thought_markers() -> dict[str, Dialect]:
    """Marker that opens or closes a thought -> its dialect. Chat tokens speak for none."""
    return {
        marker: dialect
        for dialect in dialects().values()
        for marker in dialect.thought_open + dialect.thought_close
        if marker not in chat_tokens()
    }


@cache
def thought_words() -> frozenset[str]:
    """The words in lower case that thought markers are, such as think."""
    return _words(thought_markers())


def _words(markers: Iterable[str]) -> frozenset[str]:
    tags = (TAG.match(marker) for marker in markers)
    return frozenset(found.group(2).lower() for found in tags if found)


@cache
def answer_markers() -> dict[str, Dialect]:
    """Marker that opens or closes an answer -> the first dialect that has it, a person's first."""
    found: dict[str, Dialect] = {}
    for dialect in (*_own.values(), *dialects().values()):
        for marker in dialect.answer_open + dialect.answer_close:
            if marker not in chat_tokens():
                found.setdefault(marker, dialect)
    return found


@cache
def old_markers() -> frozenset[str]:
    """All markers of all dialects, but for the tags of the new format and chat tokens."""
    markers = {m for dialect in dialects().values() for m in (*dialect.markers, *dialect.inner)}
    return frozenset(markers - NEW_TAGS - chat_tokens())


@cache
def every_marker() -> frozenset[str]:
    """Markers, chat tokens and glue, plain and escaped as HTML."""
    glue = {marker for dialect in dialects().values() for marker in dialect.glue}
    plain = old_markers() | NEW_TAGS | chat_tokens() | glue
    return frozenset(plain | {escape(marker) for marker in plain if "<" in marker})


@cache
def any_marker() -> re.Pattern[str]:
    """Finds every marker and chat token, the longest where one begins another."""
    return re.compile(one_of(every_marker()))


@cache
def leads() -> tuple[str, ...]:
    """What markers begin with: for each first character the beginning that all of those share."""
    by_first: dict[str, list[str]] = {}
    for marker in sorted(every_marker() - {""}):
        by_first.setdefault(marker[0], []).append(marker)
    return tuple(_shared_beginning(markers[0], markers[-1]) for markers in by_first.values())


@cache
def nearly_a_marker() -> str:
    """A pattern, of Python and of Rust, for tags that are written almost as a marker is.

    In another case, with spaces or other strokes, or escaped once more: `<THINK>`, `< think >`,
    `<begin_of_thought>`, `&amp;lt;think&amp;gt;`. Markers themselves match too.
    """
    markers = {marker for dialect in dialects().values() for marker in dialect.markers}
    words = _words(markers - chat_tokens())
    opened, closed = ("|".join(ways) for ways in zip(*BRACKETS, strict=True))
    strokes = r"[|\uff5c \t\r\n/]{0,3}"
    return rf"(?i)(?:{opened}){strokes}{one_of(words)}{strokes}(?:{closed})"


def _shared_beginning(first: str, last: str) -> str:
    """Of the first and last of sorted words: all between begin with it too."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def escape(marker: str) -> str:
    """As HTML writes it."""
    return marker.replace("<", "&lt;").replace(">", "&gt;")


def one_of(words: Iterable[str]) -> str:
    """A pattern that tries each character of a text at most once per place, longest word first.

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
