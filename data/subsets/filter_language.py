"""One filter language for rows: text in, a DuckDB condition with bound values out.

`0 < pass_rate < 1 and source in (gsm8k, math) and not question contains "percent"`.
NULL never matches, even under NOT; test for it with `is unknown` or `is known`.
Field names come from a fixed mapping and values are bound: no user text gets into the SQL.
User documentation: docs/filters.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from data.errors import UserError

LONGEST = 2000  # the longest filter [characters]
DEEPEST = 40  # the deepest nesting of parentheses and `not`
QUOTED = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""  # in the quotes of a shell or of SQL
SIGN = r"(<=|>=|!=|[=<>(),])"
WORD = r"""([^\s"'=<>!(),][^\s"=<>!(),]*)"""
TOKEN = re.compile(rf"\s*(?:{QUOTED}|{SIGN}|{WORD})")
COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}
SIGNS = tuple(sorted(COMPARISONS))
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
KEYWORDS = {"and", "or", "not", "in", "contains", "is"}


class FilterError(UserError):
    """A filter that cannot be parsed. `position` counts characters from 0."""

    def __init__(self, message: str, position: int):
        super().__init__(f"at character {position + 1}: {message}")
        self.position = position


@dataclass(frozen=True)
class Field:
    """A field that filters may name.

    sql:  a column or an expression; never from a user
    kind: text, number, or set (several texts, of which any may match)
    long: a text of the row itself, whose values nobody lists
    """

    sql: str
    kind: str = "text"
    means: str = ""
    long: bool = False

    @property
    def number(self) -> bool:
        return self.kind == "number"


@dataclass(frozen=True)
class Token:
    kind: str  # quoted, sign, word, end
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, and a last one of kind `end`."""
    if len(text) > LONGEST:
        raise FilterError(f"{len(text)} characters; at most {LONGEST} are allowed", LONGEST)
    parsed, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise FilterError(
                f"unexpected {text[at]!r}; close quotes, and write != without a space", at
            )
        kind = ("quoted", "sign", "word")[(match.lastindex or 1) - 1]
        value = match[match.lastindex or 1]
        plain = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.S) if kind == "quoted" else value
        parsed.append(Token(kind, plain, match.start(match.lastindex or 1)))
        at = match.end()
    return [*parsed, Token("end", "the end", end)]


def condition(text: str, fields: Mapping[str, Field]) -> tuple[str, dict[str, Any]]:
    """A condition for `where` and its bound values; an empty filter is `true`."""
    reader = _Reader(tokens(text), fields)
    if reader.now.kind == "end":
        return "true", {}
    sql = reader.either(0)
    if reader.now.kind != "end":
        raise FilterError(
            f"expected and, or, or the end, found {reader.now.text!r}", reader.position
        )
    return sql, reader.values


class NamedValue(NamedTuple):
    """A value that a filter names. is_excluded: by `!=`, or by `=` or `in` under one `not`"""

    field: str
    value: str
    is_excluded: bool


def named_values(text: str, fields: Mapping[str, Field]) -> list[NamedValue]:
    """The values that a filter compares text fields with by `=`, `!=` or `in`."""
    reader = _Reader(tokens(text), fields)
    if reader.now.kind != "end":
        reader.either(0)
    return reader.named_values


def named_fields(text: str, fields: Mapping[str, Field]) -> list[str]:
    """The fields that a filter names, in its order."""
    reader = _Reader(tokens(text), fields)
    if reader.now.kind != "end":
        reader.either(0)
    return reader.named_fields


@dataclass
class _Reader:
    tokens: list[Token]
    fields: Mapping[str, Field]
    values: dict[str, Any] = field(default_factory=dict)
    at: int = 0
    named_values: list[NamedValue] = field(default_factory=list)
    named_fields: list[str] = field(default_factory=list)
    sign: str = ""  # of the last comparison
    is_negated: bool = False  # whether an odd number of `not` stands before

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    @property
    def position(self) -> int:
        return self.now.position

    def take(self, *texts: str) -> str | None:
        """Consume the next token if it is one of `texts`, unquoted; its text, or None."""
        if self.now.kind in ("sign", "word") and self.now.text.lower() in texts:
            self.at += 1
            return self.tokens[self.at - 1].text.lower()
        return None

    def expect(self, *texts: str) -> str:
        taken = self.take(*texts)
        if taken is None:
            raise FilterError(
                f"expected {' or '.join(texts)}, found {self.now.text!r}", self.position
            )
        return taken

    def either(self, depth: int) -> str:
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return f"({' or '.join(parts)})"

    def both(self, depth: int) -> str:
        parts = [self.one(depth)]
        while self.take("and"):
            parts.append(self.one(depth))
        return f"({' and '.join(parts)})"

    def one(self, depth: int) -> str:
        if depth > DEEPEST:
            raise FilterError(f"nested deeper than {DEEPEST}; write it flatter", self.position)
        if self.take("not"):
            self.is_negated = not self.is_negated
            inside = self.one(depth + 1)
            self.is_negated = not self.is_negated
            return f"(not {inside})"
        if self.take("("):
            inside = self.either(depth + 1)
            self.expect(")")
            return inside
        return self.test()

    def test(self) -> str:
        second = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        third = self.tokens[min(self.at + 2, len(self.tokens) - 1)]
        chained = second.kind == "sign" and second.text in COMPARISONS
        if chained and self.now.text not in self.fields and third.text in self.fields:
            return self.chain()
        name, named = self.now.text, self.field_named()
        start = len(self.values)
        sql = self.comparison(named)
        if not named.number and self.sign in ("=", "!=", "in"):
            is_excluded = self.is_negated != (self.sign == "!=")
            values = list(self.values.values())[start:]
            self.named_values += [NamedValue(name, value, is_excluded) for value in values]
        return sql

    def comparison(self, named: Field) -> str:
        self.sign = self.now.text.lower()
        if self.take("is"):
            word = self.expect("known", "unknown")
            return f"({named.sql} is {'not ' if word == 'known' else ''}null)"
        if named.kind == "set":
            return self.of_set(named)
        if self.take("contains"):
            return f"contains(lower({named.sql}::varchar), lower({self.value(False)}))"
        if self.take("in"):
            return f"({named.sql} in ({self.listed(named)}))"
        sign = self.expect(*SIGNS, "in", "contains", "is")
        return f"({named.sql} {sign} {self.value(named.number)})"

    def of_set(self, named: Field) -> str:
        """`tag = easy` matches if any of the tags is easy, `tag != easy` if none is."""
        if self.take("contains"):
            inside = f"contains(lower(one), lower({self.value(False)}))"
            return f"(len(list_filter({named.sql}, lambda one: {inside})) > 0)"
        if self.take("in"):
            return f"list_has_any({named.sql}, [{self.listed(named)}])"
        sign = self.expect("=", "!=", "in", "contains", "is")
        return f"({'' if sign == '=' else 'not '}list_contains({named.sql}, {self.value(False)}))"

    def chain(self) -> str:
        """`0 < pass_rate` or `0 < pass_rate < 1`."""
        number = self.fields[self.tokens[self.at + 2].text].number
        left, sign = self.value(number), self.expect(*SIGNS)
        position, named = self.position, self.field_named()
        if named.kind == "set":
            name = self.tokens[self.at - 1].text
            raise FilterError(
                f"{name} holds several values; write {name} = a or in (a, b)", position
            )
        first = f"{named.sql} {FLIPPED[sign]} {left}"
        second = self.take(*SIGNS)
        return (
            f"({first} and {named.sql} {second} {self.value(number)})" if second else f"({first})"
        )

    def field_named(self) -> Field:
        if self.now.kind != "word" or self.now.text not in self.fields:
            names = ", ".join(sorted(self.fields))
            raise FilterError(f"no field {self.now.text!r}; the fields are {names}", self.position)
        self.at += 1
        self.named_fields.append(self.tokens[self.at - 1].text)
        return self.fields[self.named_fields[-1]]

    def listed(self, named: Field) -> str:
        self.expect("(")
        values = [self.value(named.number)]
        while self.take(","):
            values.append(self.value(named.number))
        self.expect(")")
        return ", ".join(values)

    def value(self, number: bool) -> str:
        token = self.now
        if token.kind in ("sign", "end") or (token.kind == "word" and token.text in KEYWORDS):
            raise FilterError(f"expected a value, found {token.text!r}", token.position)
        if number and not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", token.text):
            raise FilterError(f"expected a number, found {token.text!r}", token.position)
        self.at += 1
        name = f"value_{len(self.values)}"
        self.values[name] = float(token.text) if number else token.text
        return f"${name}"
