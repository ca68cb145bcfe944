"""Read a server's reply: a completion, or the reason why there is none."""

import json
from typing import Any

from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served.message_text import text_of_message
from pipeline.evaluate.served.requests import Request

# Finish reasons of servers, in lower case; any other one, or none, is stored as unknown.
STOPS = ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed")
CUTS = ("length", "max_tokens", "model_length", "max_output_tokens")
FAILURES = (
    *("error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error"),
    *("engine_error", "server_error", "internal_error", "insufficient_system_resource"),
    *("overloaded", "failed", "malformed_response"),
)
FILTERS = (
    *("content_filter", "content_filtered", "safety", "sensitive", "recitation", "blocklist"),
    *("prohibited_content", "spii", "image_safety", "guardrail_intervened", "guardrails"),
)
MESSAGE_CHARS = 200  # of a server's message, the rest is dropped


def answer_of(request: Request, reply: Any) -> Answer | Unanswered:
    """The completion in `reply`: the object that a server sent, or text that should be JSON.

    A reply that says that it failed, or that a filter removed its text, is no answer, whatever
    text it holds: that text is not what the model would have said.
    """
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except (ValueError, RecursionError):
            reason = "the reply is not JSON"
            return Unanswered(request, reason, reply[:MESSAGE_CHARS], retryable=True)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if request.prompt is not None and isinstance(first, dict):
        message = {"content": first.get("text")}  # /completions has no message
    if (error := _error(reply, first)) is not None:
        return Unanswered(request, "the server sent an error", error, retryable=True)
    if not isinstance(first, dict) or not isinstance(message, dict):
        return Unanswered(request, "the reply has no choices", _shortened(reply), retryable=True)
    return _answer(request, first, message, reply)


def _answer(
    request: Request, choice: dict[str, Any], message: dict[str, Any], reply: dict[str, Any]
) -> Answer | Unanswered:
    finish = _finish(choice)
    if finish in FAILURES:
        return Unanswered(request, f"finish reason {finish}", _shortened(choice), retryable=True)
    if finish in FILTERS:
        reason = f"filtered: finish reason {finish}"
        return Unanswered(request, reason, _shortened(choice), retryable=False)
    parts = text_of_message(message)
    if parts.unreadable is not None:
        reason = "a part of the content is no text"
        return Unanswered(request, reason, _shortened(parts.unreadable), retryable=False)
    # Without any text but cut off: all tokens went into a thought that the server hides.
    if not (parts.content or parts.reasoning or finish in CUTS):
        if parts.content is None:
            return Unanswered(request, "the content is null", _shortened(choice), retryable=False)
        if finish not in STOPS:
            reason = "the content is empty, without a finish reason"
            return Unanswered(request, reason, _shortened(choice), retryable=True)
    text = _storable(parts.joined(is_unfinished=finish not in STOPS))
    kind = "stop" if finish in STOPS else "length" if finish in CUTS else None
    tokens, of_prompt = (_tokens(reply, name) for name in ("completion_tokens", "prompt_tokens"))
    return Answer(request, text, tokens, kind, of_prompt)


def _finish(choice: dict[str, Any]) -> str:
    """The finish reason in lower case; empty where there is none."""
    finish = choice.get("finish_reason")
    return finish.strip().lower() if isinstance(finish, str) else ""


def _error(reply: Any, choice: Any) -> str | None:
    """The message of an error in the reply, its first choice, or its message; None without one."""
    message = choice.get("message") if isinstance(choice, dict) else None
    for holder in (reply, choice, message):
        if isinstance(holder, dict) and (error := holder.get("error")):
            return _shortened(error)
    return None


def _shortened(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:MESSAGE_CHARS]


def _storable(content: str) -> str:
    """`content` with U+FFFD for each lone surrogate (half of an emoji that was cut off).

    A lone surrogate cannot be encoded as UTF-8, so the text could not be stored.
    """
    return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(reply: dict[str, Any], name: str) -> int | None:
    usage = reply.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count < 2**31 else None
