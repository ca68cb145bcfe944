"""Failed requests: which are recorded as unanswered, and which errors end the evaluation."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from pipeline.evaluate import Unanswered
from pipeline.evaluate.served.replies import MESSAGE_CHARS
from pipeline.evaluate.served.requests import Request
from pipeline.evaluate.served.server import Server

if TYPE_CHECKING:
    import openai

RETRYABLE = (408, 409, 425, 429)  # HTTP statuses, and all from 500
SEED_REFUSALS = (400, 422, 501)  # statuses with which servers refuse a field that they do not know
# Fields of messages in the body of an error. Others, such as `input`, repeat the request.
MESSAGE_FIELDS = ("message", "msg", "detail", "details", "error", "errors", "param", "title")
_SEED = re.compile(r"(?<![A-Za-z0-9])[Ss]eed(?![A-Za-z0-9])")
RESUME = "The answers so far are stored; the same command requests the rest."


def unanswered(request: Request, error: "openai.APIError", server: Server) -> Unanswered:
    """The record of a `request` that failed after all its retries.

    Raises UserError for an error that every other request would meet too.
    """
    import openai

    message = message_of(error, server)
    if isinstance(error, openai.APIStatusError):
        _raise_if_fatal(error.status_code, message, server)
        retryable = error.status_code in RETRYABLE or error.status_code >= 500
        return Unanswered(request, f"HTTP {error.status_code}", message, retryable)
    if is_unreachable(error):
        raise unreachable(error, server)
    if is_timeout(error):
        reason = f"no answer within {server.config.timeout:g} s"
        return Unanswered(request, reason, message, retryable=True)
    return Unanswered(request, "the connection was cut", message, retryable=True)


def _raise_if_fatal(status: int, message: str, server: Server) -> None:
    """Raise UserError for an HTTP status that every request will get."""
    if status in (401, 403):
        sent = "the key that was sent" if server.key else "a request without a key"
        raise UserError(
            f"{server.url} refused {sent}: HTTP {status}, {message or 'no reason given'}. Pass the"
            f" environment variable that holds the right key with --api-key-env. {RESUME}"
        )
    if status == 404:
        raise UserError(
            f"{server.url} does not serve a model {server.model!r}, or has no chat completions"
            f" endpoint: HTTP 404, {message or 'no reason given'}. Expected a base URL such as"
            f" http://127.0.0.1:8000/v1 and a model that it serves. {RESUME}"
        )


def unreachable(error: BaseException, server: Server) -> UserError:
    return UserError(
        f"{server.url} cannot be reached: {message_of(error, server)}. Start the server, or pass"
        f" another URL. {RESUME}"
    )


def too_many_failures(last: Unanswered, failures: int, server: Server) -> UserError:
    """The error for so many failed requests in a row."""
    return UserError(
        f"{failures} requests to {server.url} in a row got no answer; the last: {last.reason}"
        f" ({last.message or 'no reason given'}). Read the server's log, or lower --concurrency."
        f" {RESUME}"
    )


def message_of(error: BaseException, server: Server) -> str:
    """The message of the server or the operating system, truncated, without the key."""
    root_cause = list(_causes(error))[-1]
    text = str(getattr(error, "message", error)) if root_cause is error else str(root_cause)
    # The client puts the message only of a body {"error": ...} into its own.
    detail = "; ".join(_messages(getattr(error, "body", None)))
    if detail and detail not in text:
        text = f"{text} - {detail}"
    return without_key(" ".join(text.split()), server)[:MESSAGE_CHARS]


def without_key(text: str, server: Server) -> str:
    """`text` without the API key: servers repeat it in their messages."""
    return text.replace(server.key, "***") if server.key else text


def refuses_seed(error: "openai.APIError") -> bool:
    """Whether the server seems to refuse the field `seed`, by its status and its words."""
    if getattr(error, "status_code", None) not in SEED_REFUSALS:
        return False
    messages = _messages(getattr(error, "body", None)) or [str(getattr(error, "message", error))]
    return any(_SEED.search(message) for message in messages)


def _messages(body: Any) -> list[str]:
    """The messages in the body of an error, without what repeats the request."""
    if isinstance(body, str):
        return [body]
    if isinstance(body, list):
        return [message for entry in body for message in _messages(entry)]
    if not isinstance(body, dict):
        return []
    location = body.get("loc")  # of a field, as FastAPI writes it
    field = ".".join(map(str, location)) if isinstance(location, list) else ""
    texts = [message for name in MESSAGE_FIELDS for message in _messages(body.get(name))]
    return [f"{field}: {text}" for text in texts] if field else texts


def is_unreachable(error: BaseException) -> bool:
    import aiohttp

    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return any(isinstance(cause, kinds) for cause in _causes(error))


def is_timeout(error: BaseException) -> bool:
    # The client's own timeout error is no sign: it is also raised for a dropped connection.
    return any(isinstance(cause, TimeoutError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, the error that caused it, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
