"""Row shapes: where a row of a data set holds its system prompt, its prompt and its completion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from data.errors import UserError
from data.sources.contents import WrongContent, text_of, thought_of, turns_of
from data.sources.training_flags import FLAGS_OF_ROWS, UNREADABLE, training_flag

COLUMNS = {  # what a row needs
    "stratos": ("conversations",),
    "gsm8k": ("question", "answer"),
    "messages": ("messages",),
    "completion": ("prompt", "completion"),
}
OPTIONAL = {  # what a row may have besides
    "stratos": ("system",),
    "completion": ("reasoning",),
}
ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "developer": "system",
         "bot": "assistant", "chatgpt": "assistant"}  # fmt: skip
# Columns and fields of a message that hold a thought, the first of them that a row has
THOUGHTS = (
    "reasoning", "reasoning_content", "thinking", "thought", "thoughts", "reasoning_text",
    "reasoning_details", "thinking_trajectory", "thinking_trajectories", "chain_of_thought", "cot",
)  # fmt: skip
NAMES_OF_THOUGHTS = frozenset(THOUGHTS)
HAS_A_THOUGHT = re.compile(
    r"<[^<>\s]{0,40}(?:think|thought|reason|working_out|channel)|\[/?THINK\]|\u25c1/?think\u25b7"
    r"|^Here is my thought process:",
    re.IGNORECASE,
)
MISSING = "wrong shape"
TURNS = "more than one turn"
NOT_TRAINED = "turn that is not to be trained on"
UNCLEAR = "unclear whether to train on the turn"
UNCLEAR_ROW = "unclear whether to train on the row"


class WrongShape(UserError):
    """The row lacks a text that its shape needs. phrase: the defect that this is."""

    def __init__(self, phrase: str, message: str):
        super().__init__(message)
        self.phrase = phrase


@dataclass(frozen=True)
class Turns:
    """The texts of a row: system prompt ("" if there is none), user's turn, assistant's turn.

    A thought that stands in a field of its own is in the completion, between <think> and </think>.
    left_out: later turns, which are not used
    unclear: the row has a column `weight`, `train` or the like whose value is no flag
    """

    system: str
    prompt: str
    completion: str
    left_out: int = 0
    unclear: bool = False


def columns_of(shape: str) -> tuple[str, ...]:
    """The columns that rows of `shape` have or may have."""
    return COLUMNS[shape] + OPTIONAL.get(shape, ())


def turns(
    shape: str, body: dict[str, Any], first_exchange: bool = False, trained: bool = True
) -> Turns:
    """The texts of one row. WrongShape: the row does not have them where `shape` says.

    first_exchange: of a conversation of several turns, take the first question and its answer
    trained: training flags count; those of rows to test on say nothing about the problem
    """
    if not trained:
        return _texts(shape, body, first_exchange, trained)
    flag = training_flag(body, FLAGS_OF_ROWS)
    if flag is False:
        raise WrongShape(NOT_TRAINED, "the row has weight 0; expected one to train on")
    texts = _texts(shape, body, first_exchange, trained)
    return replace(texts, unclear=True) if flag == UNREADABLE else texts


def _texts(shape: str, body: dict[str, Any], first_exchange: bool, trained: bool) -> Turns:
    try:
        if shape == "gsm8k":
            return Turns("", text_of(body, "question"), text_of(body, "answer"))
        if shape == "completion":
            return Turns("", text_of(body, "prompt"), _completion(body, "completion"))
        column = "messages" if shape == "messages" else "conversations"
        system = text_of(body, "system") if shape == "stratos" and body.get("system") else ""
        return _conversation(system, turns_of(body, column), first_exchange, trained)
    except WrongContent as error:
        raise WrongShape(MISSING, str(error)) from error


def _conversation(
    system: str, messages: list[dict[str, Any]], first_exchange: bool, trained: bool
) -> Turns:
    """The turns of `messages`; messages of the role system are joined."""
    texts = [(_role(message), message) for message in messages]
    systems = [system] * bool(system)
    systems += [text_of(message, "content") for role, message in texts if role == "system"]
    turns = [(role, message) for role, message in texts if role != "system"]
    roles = [role for role, _ in turns]
    left_out = 0
    if first_exchange and roles[:2] == ["user", "assistant"]:
        left_out = len(roles) - 2
        turns, roles = turns[:2], roles[:2]
    if roles == ["user", "assistant"]:
        flag = training_flag(turns[1][1]) if trained else None
        if flag is False:
            raise WrongShape(NOT_TRAINED, "the answer has weight 0; expected one to train on")
        if flag == UNREADABLE:
            raise WrongShape(UNCLEAR, "the answer's weight is neither a number nor true or false")
        prompt = text_of(turns[0][1], "content")
        completion = _completion(turns[1][1], "content")
        return Turns("\n\n".join(systems), prompt, completion, left_out)
    message = (
        f"turns of {', '.join(roles) or 'nobody'}; expected one of user, then one of assistant"
    )
    raise WrongShape(TURNS if len(roles) > 2 else MISSING, message)


def _role(message: dict[str, Any]) -> str:
    name: str = message["role"].strip().lower()
    return ROLES.get(name, name)


def _completion(fields: Mapping[str, Any], column: str) -> str:
    """The text in `column`, after the thought that another field or part holds, if one does.

    The text's own thought counts where it has one.
    """
    if isinstance(fields.get(column), str) and NAMES_OF_THOUGHTS.isdisjoint(fields):
        return fields[column]  # as in most rows
    thought = next((text for name in THOUGHTS if (text := thought_of(fields.get(name)))), "")
    thought = thought or thought_of(fields.get(column), only_parts=True)
    # servers leave the content out where a thought was cut off
    text = "" if thought and fields.get(column) is None else text_of(fields, column)
    if not thought or HAS_A_THOUGHT.search(text):
        return text
    thought = thought.removeprefix("<think>").removesuffix("</think>").strip()
    return f"<think>\n{thought}\n</think>\n\n{text}"
