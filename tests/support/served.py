"""A chat server on this machine for tests: its answer depends on the seed, and it can fail."""

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from data.response_format import render


@dataclass(frozen=True)
class Reply:
    """What the server sends: `value` as JSON, or the bytes `raw`.

    status: 0 closes the connection without a reply      cut: closes it before the end of the reply
    """

    value: Any = None
    status: int = 200
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds
    cut: bool = False


Behaviour = Callable[[dict[str, Any], int], Reply]  # body, how often it was received before


def answer_to(body: dict[str, Any]) -> str:
    """The answer to a request: always the same for the same seed."""
    prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
    words = f"{prompt} {body.get('seed')}"
    number = int(hashlib.sha256(words.encode()).hexdigest(), 16) % 10
    return render(f"I think of {number}.", str(number))


def streamed(text: str, *, finish: str = "stop", raw: bytes = b"", **reply: Any) -> Reply:
    """`text` as a stream of events, a word each. raw: what is sent after the words"""
    chunks = [{"choices": [{"delta": {"content": f"{word} "}}]} for word in text.split(" ")]
    chunks += [{"choices": [{"delta": {}, "finish_reason": finish}]}]
    chunks += [{"choices": [], "usage": {"completion_tokens": 7}}]
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    headers = {"Content-Type": "text/event-stream"}
    return Reply(raw=events + (raw or b"data: [DONE]\n\n"), headers=headers, **reply)


def chat(content: Any, finish: str | None = "stop", tokens: Any = 7, **message: Any) -> Reply:
    usage = None if tokens is None else {"completion_tokens": tokens}
    choice = {"message": {"content": content, **message}, "finish_reason": finish}
    return Reply({"choices": [choice], "usage": usage})


def answers(body: dict[str, Any], tries: int) -> Reply:
    if "prompt" not in body:
        return chat(answer_to(body))
    choice = {"text": answer_to(body), "finish_reason": "stop"}
    return Reply({"choices": [choice], "usage": {"completion_tokens": 7}})


@dataclass
class Chat:
    """A running server: its URL, the bodies and headers received, the most requests at one time."""

    url: str
    behaviour: Behaviour = answers
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        with self.lock:
            tries = self.bodies.count(body)
            self.bodies.append(body)
            self.headers.append(headers)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            reply = self.behaviour(body, tries)
            time.sleep(reply.delay)
        finally:
            with self.lock:
                self.now -= 1
        return reply


class Handler(BaseHTTPRequestHandler):
    """POST /v1/chat/completions and /v1/completions, with connections that stay open."""

    protocol_version = "HTTP/1.1"
    chat: Chat

    def do_GET(self) -> None:
        self._send(Reply({"data": []}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        turns = "/v1/chat/completions" if "messages" in body else "/v1/completions"
        if self.path != turns:
            return self._send(Reply({"error": {"message": f"no {self.path} here"}}, status=404))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.chat.reply(headers, body))

    def _send(self, reply: Reply) -> None:
        if not reply.status:
            self.close_connection = True
            return
        content = json.dumps(reply.value).encode() if reply.raw is None else reply.raw
        headers = {"Content-Type": "application/json", **reply.headers}
        with contextlib.suppress(ConnectionError):  # the client has gone
            self.send_response(reply.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if reply.cut else content)
        if reply.cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def serving(behaviour: Behaviour = answers) -> Iterator[Chat]:
    """A server that runs until the block ends."""
    server = Server(("127.0.0.1", 0), Handler)
    running = Chat(f"http://127.0.0.1:{server.server_address[1]}/v1", behaviour)
    server.RequestHandlerClass = type("Bound", (Handler,), {"chat": running})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
