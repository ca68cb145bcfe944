"""A request that failed: what becomes of it, and what is told of the server."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from data.errors import UserError
from pipeline.evaluate.served.answers import SAID, LeftOut
from pipeline.evaluate.served.requests import Request

if TYPE_CHECKING:
    import openai

    from pipeline.evaluate.served.client import Server

TEMPORARY = (408, 409, 425, 429)  # and all from 500
GO_ON = "What was answered is kept; the same command asks for the rest."


def left_out(request: Request, error: "openai.APIError", server: "Server") -> LeftOut:
    """What becomes of `request` after its retries.

    Raises UserError where no other request would fare better.
    """
    import openai

    said = words_of(error, server)
    if isinstance(error, openai.APIStatusError):
        refuse_all(error.status_code, said, server)
        again = error.status_code in TEMPORARY or error.status_code >= 500
        return LeftOut(request, f"HTTP {error.status_code}", said, again)
    if unreachable(error):
        raise not_there(error, server)
    if timed_out(error):
        waited = f"no answer within {server.config.timeout:g} s"
        return LeftOut(request, waited, said, again=True)
    return LeftOut(request, "the connection was cut", said, again=True)


def refuse_all(status: int, said: str, server: "Server") -> None:
    """Raise UserError for a status that every request will meet."""
    if status in (401, 403):
        sent = "the key that was sent" if server.key else "a request without a key"
        raise UserError(
            f"{server.url} refused {sent}: HTTP {status}, {said or 'without a reason'}. Name the"
            f" environment variable that holds the right key with --api-key-env. {GO_ON}"
        )
    if status == 404:
        raise UserError(
            f"{server.url} knows no model {server.model!r}, or is not where chat completions are:"
            f" HTTP 404, {said or 'without a reason'}. Expected a base URL such as"
            f" http://127.0.0.1:8000/v1 and a model that it serves. {GO_ON}"
        )


def not_there(error: BaseException, server: "Server") -> UserError:
    return UserError(
        f"{server.url} cannot be reached: {words_of(error, server)}. Start the server, or name"
        f" another URL. {GO_ON}"
    )


def gave_up(last: LeftOut, failed: int, server: "Server") -> UserError:
    """What is told when so many requests failed one after the other."""
    return UserError(
        f"{failed} requests to {server.url} in a row brought no answer; the last: {last.reason}"
        f" ({last.said or 'without a reason'}). See what the server says, or lower --concurrency."
        f" {GO_ON}"
    )


def words_of(error: BaseException, server: "Server") -> str:
    """What the server or the system said of it, cut, without the key."""
    inner = list(causes(error))[-1]
    said = str(inner) if inner is not error else str(getattr(error, "message", error))
    if server.key:
        said = said.replace(server.key, "***")
    return " ".join(said.split())[:SAID]


def unreachable(error: BaseException) -> bool:
    import aiohttp

    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return any(isinstance(cause, kinds) for cause in causes(error))


def timed_out(error: BaseException) -> bool:
    # the transport calls a cut connection a timeout too
    return any(isinstance(cause, TimeoutError) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, what it was raised from, and so on."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
