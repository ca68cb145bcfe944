"""Turns of chat templates: the question in a prompt, the completion without its end markers.

A dialect names the markers of a family of models. Trainers that decode with skip_special_tokens
leave the names of the roles only ("user\\n...\\nmodel\\n"): these are dialects of their own.
"""

import re
from functools import lru_cache
from typing import NamedTuple


class Dialect(NamedTuple):
    """Markers of turns. close: ends a turn; empty where only the next turn does"""

    name: str
    user: str
    close: str
    assistant: str


DIALECTS = (
    Dialect("gemma", "<start_of_turn>user\n", "<end_of_turn>", "<start_of_turn>model\n"),
    Dialect("chatml", "<|im_start|>user\n", "<|im_end|>", "<|im_start|>assistant\n"),
    Dialect(
        "llama-3",
        "<|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    Dialect("deepseek", "<\uff5cUser\uff5c>", "", "<\uff5cAssistant\uff5c>"),
    Dialect("phi", "<|user|>\n", "<|end|>", "<|assistant|>\n"),
    Dialect("mistral", "[INST]", "[/INST]", "[/INST]"),
)
ENDS = (
    *("<end_of_turn>", "<eos>", "<pad>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>"),
    *("<|end_of_text|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|end|>", "</s>"),
)
# the role of the answer at the end of a prompt, and the start of a thought that a template forces
_STRIPPED_END = re.compile(r"(model|assistant)\n+(?:<\w+>\s*(?:</\w+>\s*)?)?$")


class UserTurn(NamedTuple):
    """The text of the last turn of the user. dialect: None where the prompt has no markers"""

    text: str
    dialect: str | None


@lru_cache(maxsize=1024)  # the rollouts of a group have one prompt, and follow each other
def last_user_turn(prompt: str) -> UserTurn:
    """The last turn of the user, without markers; a prompt without any as it is."""
    for dialect in DIALECTS:
        start = prompt.rfind(dialect.user)
        if start >= 0:
            body = prompt[start + len(dialect.user) :].partition(dialect.assistant)[0]
            text = body.partition(dialect.close)[0] if dialect.close else body
            return UserTurn(text.strip(), dialect.name)
    return _stripped_turn(prompt) or UserTurn(prompt.strip(), None)


def _stripped_turn(prompt: str) -> UserTurn | None:
    end = _STRIPPED_END.search(prompt)
    if end is None:
        return None
    before = prompt[: end.start()]
    if before.endswith("\n"):
        start = before.rfind("\nuser\n") + 1  # 0: the text may begin with it
        name = "gemma, stripped" if end[1] == "model" else "chatml, stripped"
        opened = before[start:].startswith("user\n")
    else:  # no line break before the role of the answer
        start, name = before.rfind("user\n\n"), "llama-3, stripped"
        opened = start >= 0
    return UserTurn(before[start:].removeprefix("user\n").strip(), name) if opened else None


def without_end_markers(text: str) -> str:
    """A completion without the markers that end it; white space before them goes, too."""
    stripped = text
    while (bare := stripped.rstrip()).endswith(ENDS):
        stripped = next(bare.removesuffix(end) for end in ENDS if bare.endswith(end))
    return text if stripped == text else stripped.rstrip()


def prompt_and_completion(text: str) -> tuple[str, str] | None:
    """A conversation in one text, divided before its last answer; None without markers."""
    for dialect in DIALECTS:
        start = text.rfind(dialect.assistant)
        if start >= 0:
            end = start + len(dialect.assistant)
            return text[:end], text[end:]
    match = re.search(r"\n(?:model|assistant)\n", text)
    return (text[: match.end()], text[match.end() :]) if match else None
