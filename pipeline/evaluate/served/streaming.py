"""The answer of a server as it is written: the text so far, then the outcome."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served.client import CONNECT_SECONDS, NO_KEY, certificates
from pipeline.evaluate.served.errors import RESUME, refuses_seed, unanswered, unreachable
from pipeline.evaluate.served.message_text import REASONING_FIELDS, text_of_message
from pipeline.evaluate.served.replies import MESSAGE_CHARS, answer_of
from pipeline.evaluate.served.requests import Request, body_of
from pipeline.evaluate.served.server import Server

if TYPE_CHECKING:
    from openai import OpenAI

EVENTS, DATA, END = "text/event-stream", "data:", "[DONE]"


def stream(request: Request, server: Server) -> Iterator[str | Answer | Unanswered]:
    """The text so far, each time that the server sends more, then one outcome. Of a chat only.

    A server that does not stream sends the whole answer at once. Closing the iterator ends the
    request. Raises UserError where every other request would fail too.
    """
    import openai

    with closing(_client(server)) as client:
        try:
            yield from _once(client, request, server)
        except openai.APIError as error:
            if request.seed is None or not refuses_seed(error):
                yield _failure(request, error, server)
                return
            without_seed = replace(request, seed=None)
            try:
                yield from _once(client, without_seed, server)
            except openai.APIError as second:
                yield _failure(without_seed, second, server)


def _client(server: Server) -> "OpenAI":
    import openai  # takes a second

    client = openai.OpenAI(
        base_url=server.url,
        api_key=server.key or NO_KEY,
        timeout=openai.Timeout(server.config.timeout, connect=CONNECT_SECONDS),
        max_retries=server.config.retries,
        http_client=openai.DefaultHttpxClient(verify=certificates()),
    )
    # The client reads these from the environment; they are meant only for OpenAI's own server.
    client.organization = client.project = None
    return client


def _failure(request: Request, error: Any, server: Server) -> Unanswered:
    import httpx2

    try:
        if isinstance(error.__cause__, (httpx2.ConnectError, httpx2.ConnectTimeout)):
            raise unreachable(error, server)
        return unanswered(request, error, server)
    except UserError as fatal:  # its last sentence is about an evaluation
        raise UserError(str(fatal).removesuffix(RESUME).rstrip()) from fatal


def _once(
    client: "OpenAI", request: Request, server: Server
) -> Iterator[str | Answer | Unanswered]:
    import httpx2  # the client of `openai`

    body = body_of(request, server.model, server.config.limit_field)
    body["stream_options"] = {"include_usage": True}
    create: Any = client.chat.completions.with_streaming_response.create
    with create(
        model=server.model, messages=request.messages, stream=True, extra_body=body
    ) as response:
        try:
            if EVENTS not in response.headers.get("content-type", ""):
                yield answer_of(request, response.read().decode("utf-8", "replace"))
                return
            yield from _read(request, response)
        except httpx2.HTTPError as error:
            message = str(error)[:MESSAGE_CHARS]
            yield Unanswered(request, "the connection was cut", message, retryable=True)


def _read(request: Request, response: Any) -> Iterator[str | Answer | Unanswered]:
    reply = _Reply()
    for chunk in _chunks(response.iter_lines()):
        if chunk is None:
            reason = "the reply is not JSON"
            yield Unanswered(request, reason, "a chunk of the stream", retryable=True)
            return
        if reply.add(chunk):
            yield text_of_message(reply.message).joined(is_unfinished=True)
    yield answer_of(request, reply.as_json())


def _chunks(lines: Iterable[str]) -> Iterator[dict[str, Any] | None]:
    """The objects of a stream of events; None for one that is no object."""
    for line in lines:
        if not line.startswith(DATA):
            continue
        content = line.removeprefix(DATA).strip()
        if content == END:
            return
        try:
            chunk = json.loads(content)
        except (ValueError, RecursionError):
            chunk = None
        yield chunk if isinstance(chunk, dict) else None


class _Reply:
    """The reply that the chunks of a stream make."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.rest: dict[str, Any] = {}  # of the reply
        self.choice: dict[str, Any] = {}
        self.is_begun = False

    def add(self, chunk: dict[str, Any]) -> bool:
        """Add a chunk; whether it has more text."""
        self.rest |= {name: chunk[name] for name in ("usage", "error") if chunk.get(name)}
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return False
        self.is_begun = True
        self.choice |= {
            name: choice[name] for name in ("finish_reason", "error") if choice.get(name)
        }
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        parts = [(name, delta.get(name)) for name in ("content", "refusal", *REASONING_FIELDS)]
        texts = {name: text for name, text in parts if isinstance(text, str)}
        for name, text in texts.items():
            self.message[name] = self.message.get(name, "") + text
        return any(texts.values())

    def as_json(self) -> dict[str, Any]:
        if not self.is_begun:
            return self.rest
        message = {"content": None, **self.message}
        return self.rest | {"choices": [self.choice | {"message": message}]}
