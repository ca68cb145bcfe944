"""Shapes: how a row of a dataset holds its system prompt, its prompt and its completion."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class WrongShape(ValueError):
    """A row that does not have the shape that was announced. Its text is the reason."""


@dataclass(frozen=True)
class Turns:
    """What a row says. reasoning and answer are set where the shape itself separates them."""

    system: str
    prompt: str
    completion: str


COLUMNS = {
    "stratos": ("system", "conversations"),
    "gsm8k": ("question", "answer"),
    "messages": ("messages",),
    "completion": ("prompt", "completion"),
}
SPEAKERS = {"human": "user", "gpt": "assistant", "model": "assistant"}


def turns(shape: str, row: dict[str, Any]) -> Turns:
    """The turns of `row`; WrongShape says what is missing."""
    return _READERS[shape](row)


def _stratos(row: dict[str, Any]) -> Turns:
    said = [_said(turn, "from", "value") for turn in _list(row, "conversations")]
    return _conversation([("system", _text(row, "system"))] * bool(row.get("system")) + said)


def _messages(row: dict[str, Any]) -> Turns:
    return _conversation([_said(turn, "role", "content") for turn in _list(row, "messages")])


def _gsm8k(row: dict[str, Any]) -> Turns:
    return Turns("", _text(row, "question"), _text(row, "answer"))


def _completion(row: dict[str, Any]) -> Turns:
    return Turns("", _text(row, "prompt"), _text(row, "completion"))


_READERS: dict[str, Callable[[dict[str, Any]], Turns]] = {
    "stratos": _stratos,
    "gsm8k": _gsm8k,
    "messages": _messages,
    "completion": _completion,
}


def _conversation(said: list[tuple[str, str]]) -> Turns:
    speakers = [speaker for speaker, _ in said if speaker != "system"]
    if speakers != ["user", "assistant"]:
        raise WrongShape(
            f"turns are {', '.join(speakers) or 'none'}; expected one of user, one of assistant"
        )
    by_speaker = dict(said)
    return Turns(by_speaker.get("system", ""), by_speaker["user"], by_speaker["assistant"])


def _said(turn: Any, speaker: str, words: str) -> tuple[str, str]:
    if not isinstance(turn, dict) or not isinstance(turn.get(words), str):
        raise WrongShape(f"a turn has no text {words!r}")
    name = str(turn.get(speaker))
    return SPEAKERS.get(name, name), turn[words]


def _list(row: dict[str, Any], column: str) -> list[Any]:
    value = row.get(column)
    if not isinstance(value, list):
        raise WrongShape(f"{column} is no list")
    return value


def _text(row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise WrongShape(f"{column} is no text")
    return value
