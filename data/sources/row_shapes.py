"""Row shapes: where a row of a data set holds its system prompt, its prompt and its completion."""

from dataclasses import dataclass
from typing import Any

from data.errors import UserError

COLUMNS = {
    "stratos": ("system", "conversations"),
    "gsm8k": ("question", "answer"),
    "messages": ("messages",),
    "completion": ("prompt", "completion"),
}
ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "developer": "system"}
MISSING = "wrong shape"
TURNS = "more than one turn"


class WrongShape(UserError):
    """The row lacks a text that its shape needs. phrase: the defect that this is."""

    def __init__(self, phrase: str, message: str):
        super().__init__(message)
        self.phrase = phrase


@dataclass(frozen=True)
class Turns:
    """The texts of a row: system prompt ("" if there is none), user's turn, assistant's turn."""

    system: str
    prompt: str
    completion: str


def turns(shape: str, body: dict[str, Any]) -> Turns:
    """The texts of one row. WrongShape: the row does not have them where `shape` says."""
    if shape == "gsm8k":
        return Turns("", _text(body, "question"), _text(body, "answer"))
    if shape == "completion":
        return Turns("", _text(body, "prompt"), _text(body, "completion"))
    if shape == "messages":
        return _conversation("", _messages(body, "messages", "role", "content"))
    system = _text(body, "system") if body.get("system") else ""
    return _conversation(system, _messages(body, "conversations", "from", "value"))


def _conversation(system: str, messages: list[tuple[str, str]]) -> Turns:
    """The turns of `messages`, pairs of role and text; messages of the role system are joined."""
    systems = [system] * bool(system) + [text for role, text in messages if role == "system"]
    turns = [(role, text) for role, text in messages if role != "system"]
    roles = [role for role, _ in turns]
    if roles == ["user", "assistant"]:
        return Turns("\n\n".join(systems), turns[0][1], turns[1][1])
    message = (
        f"turns of {', '.join(roles) or 'nobody'}; expected one of user, then one of assistant"
    )
    raise WrongShape(TURNS if len(roles) > 2 else MISSING, message)


def _messages(
    body: dict[str, Any], column: str, role_key: str, text_key: str
) -> list[tuple[str, str]]:
    """Role and text of each message in `column`."""
    turns = body.get(column)
    if not isinstance(turns, list):
        raise WrongShape(MISSING, f"{column} is {_type_of(turns)}; expected a list of turns")
    messages = []
    for turn in turns:
        if not isinstance(turn, dict) or not isinstance(turn.get(role_key), str):
            raise WrongShape(MISSING, f"a turn of {column} has no {role_key!r}")
        name = turn[role_key].strip().lower()
        messages.append((ROLES.get(name, name), _text(turn, text_key)))
    return messages


def _text(body: dict[str, Any], column: str) -> str:
    value = body.get(column)
    if not isinstance(value, str):
        raise WrongShape(MISSING, f"{column} is {_type_of(value)}; expected text")
    return value


def _type_of(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
