"""Asking a served model, beside the client of OpenAI alone: python -m benchmarks.evaluation.served

A server on this machine, in a process of its own, answers each request after 50 ms. Theirs is what
one would write instead: its client in a loop, and in a pool of as many threads. Each case is timed
by turns, the median counts. "stored" is the same with the answers graded, in a new store.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import report
from data.response_format import render
from data.store import open_store
from evals.scores import Problems
from pipeline.config import EvalConfig
from pipeline.evaluate import Evaluation, Tally, store_answers
from pipeline.evaluate.served import Request, ServedConfig, Server, body_of, complete, requests_of

LATENCY = 0.05  # seconds
AT_ONCE = 32
REPEATS = 5
LONGEST = 600.0  # seconds after which the server ends, whatever became of us
TEXT = render("I add 2 and 3, which makes 5. " * 20, "5")
REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 60, "completion_tokens": 200, "total_tokens": 260},
    }
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Connection(asyncio.Protocol):
    """As little work as can be, so that the one who asks is what is measured."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.read = transport, b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        length = int(head.lower().rpartition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if end and len(body) >= length:
            self.read = b""  # a client sends its next request after the answer
            reply = HEAD % len(REPLY) + REPLY
            asyncio.get_running_loop().call_later(LATENCY, self.transport.write, reply)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            await server.serve_forever()


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The URL of a server that runs until the block ends."""
    command = [sys.executable, "-m", "benchmarks.evaluation.served", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


def timed(work: Callable[[list[Request]], None], requests: list[Request]) -> tuple[float, float]:
    """Requests per second, and milliseconds of CPU a request: of us, not of the server."""
    begin, used = time.perf_counter(), time.process_time()
    work(requests)
    took, used = time.perf_counter() - begin, time.process_time() - used
    return len(requests) / took, 1000 * used / len(requests)


def compared(url: str, n: int) -> list[dict[str, Any]]:
    import openai

    problems = pl.DataFrame(
        {
            "problem_id": [f"p{k:06d}" for k in range(n)],
            "question": [f"What is {k} + {k}?" for k in range(n)],
            "gold": ["5"] * n,
        }
    )
    requests = list(requests_of(problems, EvalConfig()))
    server = Server(url, "m", "", ServedConfig(concurrency=AT_ONCE))
    client = openai.OpenAI(base_url=url, api_key="none")

    def one(request: Request) -> str | None:
        body = body_of(request, "m", "max_tokens")
        return client.chat.completions.create(**body).choices[0].message.content

    def pool(some: list[Request]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            assert all(text == TEXT for text in threads.map(one, some))

    def loop(some: list[Request]) -> None:
        assert all(one(request) == TEXT for request in some)

    def ours(some: list[Request]) -> None:
        assert len(list(complete(some, server))) == len(some)

    def stored(some: list[Request]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(Path(folder) / "store")
            evaluation = Evaluation(store, "r", "served", Problems(problems, []))
            tally = Tally(stored=0, requested=len(some), total=len(some))
            store_answers(evaluation, complete(some, server), tally, lambda step, of, numbers: None)
            assert tally.stored == len(some)

    few = requests[: max(20, n // 50)]
    cases: list[tuple[str, Callable[[list[Request]], None], Any, list[Request]]] = [
        ("beside a loop", ours, loop, few),
        ("beside a pool of threads", ours, pool, requests),
        ("stored, beside a pool that stores nothing", stored, pool, requests),
    ]
    ours(few)  # imports and first connections
    loop(few)
    return [row for one in cases for row in case(*one[:3], requests, one[3])]


def case(
    name: str,
    own: Callable[[list[Request]], None],
    other: Callable[[list[Request]], None],
    requests: list[Request],
    some: list[Request],
) -> list[dict[str, Any]]:
    """Two rows: ours on all `requests`, theirs on `some`, by turns."""
    pairs = [(timed(own, requests), timed(other, some)) for _ in range(REPEATS)]
    rows = []
    for column, unit in enumerate(("requests/s", "ms of CPU a request")):
        measured = [(ours[column], theirs[column]) for ours, theirs in pairs]
        ours, theirs = (statistics.median(column) for column in zip(*measured, strict=True))
        ratio = statistics.median(b / a if column else a / b for a, b in measured)
        rows.append(
            {
                "case": f"{len(requests)} requests, {AT_ONCE} at once, {name}",
                "ours": round(ours, 2),
                "theirs": round(theirs, 2),
                "unit": unit,
                "ratio": round(ratio, 2),
            }
        )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--serve", action="store_true", help="only the server; prints its port")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
    else:
        with serving() as url:
            rows = compared(url, arguments.requests)
        report("served", rows, arguments.json)
