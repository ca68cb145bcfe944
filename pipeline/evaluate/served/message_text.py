"""The text of a chat message: its reasoning as `<think>…</think>`, then its content.

Servers that separate the reasoning put it into a field of its own, or into parts of the content.
It is kept, so that the stored text is the one that the same model gives behind a server that
separates nothing, and so that an answer that never began shows what the tokens were spent on.
"""

from typing import Any, NamedTuple

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
# Fields of the reasoning, by preference: some servers send the same text under two of them.
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
THOUGHT_KINDS = ("thinking", "reasoning", "reasoning_content", "reasoning.text", "thought")
SUMMARY_KINDS = ("reasoning.summary",)
HIDDEN_KINDS = ("redacted_thinking", "reasoning.encrypted")  # no text for anyone but the provider
TEXT_KINDS = ("text", "output_text", "refusal")
TEXT_FIELDS = ("text", "content", "thinking", "reasoning", "summary", "refusal")


class MessageText(NamedTuple):
    """The text of a message. content: None if there is none   unreadable: a part that is no text"""

    reasoning: str
    content: str | None
    unreadable: Any = None

    def joined(self, is_unfinished: bool) -> str:
        """The text to store. A thought that was cut off before the content stays open."""
        content = self.content or ""
        if not self.reasoning:
            return content
        if not content.strip() and is_unfinished:
            return f"{THINK_OPEN}{self.reasoning}"
        return f"{THINK_OPEN}{self.reasoning}{THINK_CLOSE}\n{content}"


def text_of_message(message: dict[str, Any]) -> MessageText:
    """The reasoning and the content of `message`, an object in the form of OpenAI's API."""
    content = message.get("content")
    thoughts: list[str] = []
    texts: list[str] = []
    if isinstance(content, str):
        texts.append(content)
    elif content is not None:
        for part in content if isinstance(content, list) else [content]:
            if not _sort_part(part, texts, thoughts):
                return MessageText("", None, part)
    if not texts and isinstance(message.get("refusal"), str):
        texts.append(message["refusal"])  # the model's own words instead of an answer
    reasoning = _reasoning(message) or "".join(thoughts)
    return MessageText(reasoning, "".join(texts) if texts else None)


def _sort_part(part: Any, texts: list[str], thoughts: list[str]) -> bool:
    """Add the text of a part of a content to `texts` or `thoughts`; False where it is no text."""
    if isinstance(part, str):
        texts.append(part)
        return True
    kind = part.get("type", "text") if isinstance(part, dict) else None
    if kind in HIDDEN_KINDS:
        return True
    text = _plain(part)
    if text is None or kind not in (*TEXT_KINDS, *THOUGHT_KINDS, *SUMMARY_KINDS):
        return False
    (texts if kind in TEXT_KINDS else thoughts).append(text)
    return True


def _reasoning(message: dict[str, Any]) -> str:
    """The reasoning in a field of its own; empty where there is none."""
    for name in REASONING_FIELDS:
        if text := _plain(message.get(name)):
            return text
    return ""


def _plain(value: Any) -> str | None:
    """The text of a string, a part, or a list of parts; None where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [text for part in value if (text := _plain(part)) is not None]
        return "".join(texts) if texts or not value else None
    if isinstance(value, dict):
        fields = (_plain(value.get(name)) for name in TEXT_FIELDS if name in value)
        return next((text for text in fields if text is not None), None)
    return None
