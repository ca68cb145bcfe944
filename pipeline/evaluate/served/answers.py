"""What a server answered: a completion, or why there is none."""

import json
from typing import Any

from pipeline.evaluate import Answer as Answer, LeftOut as LeftOut
from pipeline.evaluate.served.requests import Request

FINISHES = ("stop", "length")  # any other word, or none, is an unknown finish
SAID = 200  # characters of a server's words that are kept


def answer_of(request: Request, reply: Any) -> Answer | LeftOut:
    """The completion in `reply`: the object that a server sent, or text that should be one."""
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except ValueError:
            return LeftOut(request, "the reply is not JSON", reply[:SAID], again=True)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if request.prompt is not None and isinstance(first, dict):
        message = {"content": first.get("text")}  # a completion has no turns
    if not isinstance(first, dict) or not isinstance(message, dict):
        return LeftOut(request, "the reply has no choices", _shown(reply), again=True)
    content = message.get("content")
    if isinstance(content, str):
        finish = first.get("finish_reason")
        return Answer(
            request, _text(content), _tokens(reply), finish if finish in FINISHES else None
        )
    if content is not None:
        return LeftOut(request, "the content is no text", _shown(content), again=False)
    if message.get("reasoning_content") or message.get("reasoning"):
        reason = "the content is null, the reasoning stands apart"
        return LeftOut(request, reason, _shown(message), again=False)
    return LeftOut(request, "the content is null", _shown(first), again=False)


def _shown(value: Any) -> str:
    return json.dumps(value)[:SAID]


def _text(content: str) -> str:
    """Half a surrogate pair, as of an emoji that was cut, is no text that can be stored."""
    return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(reply: dict[str, Any]) -> int | None:
    usage = reply.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count < 2**31 else None
