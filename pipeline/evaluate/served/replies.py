"""Read a server's reply: a completion, or the reason why there is none."""

import json
from typing import Any

from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served.requests import Request

FINISHES = ("stop", "length")  # any other finish reason, or none, is stored as unknown
MESSAGE_CHARS = 200  # of a server's message, the rest is dropped


def answer_of(request: Request, reply: Any) -> Answer | Unanswered:
    """The completion in `reply`: the object that a server sent, or text that should be JSON."""
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except ValueError:
            reason = "the reply is not JSON"
            return Unanswered(request, reason, reply[:MESSAGE_CHARS], retryable=True)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if request.prompt is not None and isinstance(first, dict):
        message = {"content": first.get("text")}  # /completions has no message
    if not isinstance(first, dict) or not isinstance(message, dict):
        return Unanswered(request, "the reply has no choices", _shortened(reply), retryable=True)
    content = message.get("content")
    if isinstance(content, str):
        finish = first.get("finish_reason")
        finish = finish if finish in FINISHES else None
        return Answer(request, _storable(content), _completion_tokens(reply), finish)
    if content is not None:
        return Unanswered(request, "the content is no text", _shortened(content), retryable=False)
    if message.get("reasoning_content") or message.get("reasoning"):
        reason = "the content is null, the reasoning stands apart"
        return Unanswered(request, reason, _shortened(message), retryable=False)
    return Unanswered(request, "the content is null", _shortened(first), retryable=False)


def _shortened(value: Any) -> str:
    return json.dumps(value)[:MESSAGE_CHARS]


def _storable(content: str) -> str:
    """`content` with U+FFFD for each lone surrogate (half of an emoji that was cut off).

    A lone surrogate cannot be encoded as UTF-8, so the text could not be stored.
    """
    return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _completion_tokens(reply: dict[str, Any]) -> int | None:
    usage = reply.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count < 2**31 else None
