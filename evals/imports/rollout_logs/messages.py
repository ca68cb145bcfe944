"""Lists of chat messages, as several trainers log prompts and completions."""

from typing import Any

from evals.imports import UnusableRow, text_of

ANSWERING = ("assistant", "model")


def content_of(message: Any) -> str:
    """The text of a message; reasoning that stands apart comes first, in tags."""
    if not isinstance(message, dict):
        return text_of(message) or ""
    content = message.get("content")
    if isinstance(content, list):  # parts, as of images and texts
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    text, thought = text_of(content) or "", text_of(message.get("reasoning_content"))
    return f"<think>{thought}</think>\n{text}" if thought else text


def as_prompt(messages: list[Any]) -> str:
    """Messages as one text: the content of a single one, else each after its role."""
    if len(messages) == 1:
        return content_of(messages[0])
    return "\n\n".join(f"{_role(message)}: {content_of(message)}" for message in messages)


def last_question(messages: list[Any]) -> str | None:
    """The content of the last message of the user."""
    users = [message for message in messages if _role(message) == "user"]
    return content_of(users[-1]) if users else None


def prompt_in(row: dict[str, Any], name: str) -> tuple[str, str | None]:
    """The prompt in this field, and its question where the prompt is a list of messages."""
    value = row.get(name)
    if isinstance(value, list) and value:
        return as_prompt(value), last_question(value)
    return _text_in(row, name), None


def completion_in(row: dict[str, Any], name: str) -> str:
    """The completion in this field: a text, or the answers in a list of messages."""
    value = row.get(name)
    return "\n".join(answers(value)) if isinstance(value, list) else _text_in(row, name)


def _text_in(row: dict[str, Any], name: str) -> str:
    text = text_of(row.get(name))
    if text is None:
        raise UnusableRow(f"{name} is missing, or neither a text nor messages")
    return text


def divided(messages: Any) -> tuple[list[Any], list[Any]]:
    """Messages before the first answer of the model, and those from there on."""
    if not isinstance(messages, list) or not messages:
        raise UnusableRow("the conversation is no list of messages")
    first = next((n for n, one in enumerate(messages) if _role(one) in ANSWERING), None)
    if first is None:
        raise UnusableRow("the conversation has no answer of the model")
    return messages[:first], messages[first:]


def answers(messages: list[Any]) -> list[str]:
    """The content of each answer of the model."""
    return [content_of(message) for message in messages if _role(message) in ANSWERING]


def _role(message: Any) -> str:
    return str(message.get("role") or "") if isinstance(message, dict) else ""
