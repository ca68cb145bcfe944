"""Contents of a row: turns and texts, however data sets write them.

Turns are a list, or that list as JSON or as Python prints it. A text is a string, or a list of
parts of which each holds a text.
"""

import ast
import json
from collections.abc import Mapping
from typing import Any

# Where a turn has its role and its text: messages of OpenAI, then ShareGPT
KEYS = (("role", "content"), ("from", "value"), ("role", "value"), ("from", "content"))
TEXT_PARTS = frozenset(("text", "input_text", "output_text"))  # the types of parts of an answer
THOUGHT_PARTS = frozenset(("thinking", "reasoning", "reasoning.text", "thought"))
TEXTS = ("text", "thinking", "reasoning", "content", "value")  # where a part holds its text
LONGEST_LITERAL = 1 << 20  # [characters] of turns as Python prints them; its parser takes memory


class WrongContent(Exception):
    """A row does not have a text or turns where they are expected."""


def turns_of(row: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    """The turns in `column`, each with `role` and `content` beside its other fields."""
    turns = row.get(column)
    if isinstance(turns, str):
        turns = _parsed(turns)
    if not isinstance(turns, list):
        raise WrongContent(f"{column} is {_type_of(row.get(column))}; expected a list of turns")
    return [_turn(turn, column) for turn in turns]


def _turn(turn: Any, column: str) -> dict[str, Any]:
    if isinstance(turn, Mapping):
        for role, text in KEYS:
            if isinstance(turn.get(role), str) and text in turn:
                return {**turn, "role": turn[role], "content": turn[text]}
        if isinstance(turn.get("role"), str):  # a turn without content, such as a cut off thought
            return {**turn, "content": None}
    raise WrongContent(f"a turn of {column} has no role or no content")


def _parsed(text: str) -> Any:
    """The value that `text` is as JSON, or as Python prints it; None if it is neither."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be stored
        return value
    except (ValueError, RecursionError):
        pass
    if not text.lstrip().startswith("[") or len(text) > LONGEST_LITERAL:
        return None
    try:
        value = ast.literal_eval(text.strip())
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def text_of(row: Mapping[str, Any], column: str) -> str:
    """The text in `column`. Parts of a list are joined by lines; thoughts among them are left out.

    WrongContent: there is none, or a part is no text, such as an image.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise WrongContent(f"{column} is {_type_of(value)}; expected text")
    parts = [part for part in value if not _is_thought(part)]
    texts = [_text_of_part(part) for part in parts]
    if None in texts:
        raise WrongContent(f"a part of {column} is no text")
    return "\n".join(text for text in texts if text)


def thought_of(value: Any, only_parts: bool = False) -> str:
    """The thought that `value` holds, stripped: a text, or parts of which some are thoughts.

    only_parts: a text, and parts that do not say that they are a thought, are none
    """
    if isinstance(value, str):
        return "" if only_parts else value.strip()
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        return ""
    parts = [part for part in value if not only_parts or _is_thought(part)]
    return "\n".join(filter(None, map(_text_of_part, parts))).strip()


def _is_thought(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in THOUGHT_PARTS


def _text_of_part(part: Any) -> str | None:
    """The text of a part; None if it is not text."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return None
    if part.get("type", "text") not in TEXT_PARTS | THOUGHT_PARTS:
        return None
    for name in TEXTS:
        value = part.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list):  # a thought that has parts itself
            texts = [inner.get("text") if isinstance(inner, Mapping) else inner for inner in value]
            return "\n".join(text for text in texts if isinstance(text, str))
    return None


def _type_of(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
