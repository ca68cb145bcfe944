"""Shapes: where a row of a dataset holds its system prompt, its prompt and its completion."""

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
    """The row has not the texts that its shape promises. `phrase` is the defect it is."""

    def __init__(self, phrase: str, found: str):
        super().__init__(found)
        self.phrase = phrase


@dataclass(frozen=True)
class Turns:
    """What a row says: system prompt ("" where there is none), user's turn, assistant's turn."""

    system: str
    prompt: str
    completion: str


def turns(shape: str, body: dict[str, Any]) -> Turns:
    """The texts of one row. A row that has them not in this shape is a `WrongShape`."""
    if shape == "gsm8k":
        return Turns("", _text(body, "question"), _text(body, "answer"))
    if shape == "completion":
        return Turns("", _text(body, "prompt"), _text(body, "completion"))
    if shape == "messages":
        return _conversation("", _turns(body, "messages", "role", "content"))
    system = _text(body, "system") if body.get("system") else ""
    return _conversation(system, _turns(body, "conversations", "from", "value"))


def _conversation(system: str, said: list[tuple[str, str]]) -> Turns:
    systems = [system] * bool(system) + [words for role, words in said if role == "system"]
    others = [(role, words) for role, words in said if role != "system"]
    roles = [role for role, _ in others]
    if roles == ["user", "assistant"]:
        return Turns("\n\n".join(systems), others[0][1], others[1][1])
    found = f"turns of {', '.join(roles) or 'nobody'}; expected one of user, then one of assistant"
    raise WrongShape(TURNS if len(roles) > 2 else MISSING, found)


def _turns(body: dict[str, Any], column: str, role: str, words: str) -> list[tuple[str, str]]:
    turns = body.get(column)
    if not isinstance(turns, list):
        raise WrongShape(MISSING, f"{column} is {_kind(turns)}; expected a list of turns")
    found = []
    for turn in turns:
        if not isinstance(turn, dict) or not isinstance(turn.get(role), str):
            raise WrongShape(MISSING, f"a turn of {column} has no {role!r}")
        name = turn[role].strip().lower()
        found.append((ROLES.get(name, name), _text(turn, words)))
    return found


def _text(body: dict[str, Any], column: str) -> str:
    value = body.get(column)
    if not isinstance(value, str):
        raise WrongShape(MISSING, f"{column} is {_kind(value)}; expected text")
    return value


def _kind(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
