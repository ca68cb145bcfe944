"""Asking a server for completions: many at once, each told as it finishes, in any order."""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from data.errors import UserError
from pipeline.evaluate.served.answers import SAID, Answer, LeftOut, answer_of
from pipeline.evaluate.served.config import ServedConfig
from pipeline.evaluate.served.errors import gave_up, left_out, not_there, unreachable
from pipeline.evaluate.served.requests import Request, body_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Outcome = Answer | LeftOut

TICK = 0.2  # seconds between two looks at whether to stop, while nothing finishes
CONNECT_SECONDS = 10.0
GIVE_UP_AFTER = 20  # problems in a row without an answer, or requests that could be tried again
NO_KEY = "none"  # the client wants one; servers without accounts look at none


@dataclass(frozen=True)
class Server:
    """Where a model is served: base URL without credentials, its name there, and the key."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    config: ServedConfig = field(default_factory=ServedConfig)


def checked_url(url: str) -> str:
    """`url` as a base URL that may be written down: it holds no credentials."""
    expected = "expected the base URL of an OpenAI-compatible server, as http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{error}; {expected}") from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UserError(
            f"the URL of {host} holds credentials, a query or a fragment; {expected}. A key comes"
            " from an environment variable: --api-key-env NAME"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UserError(f"{url!r} is no URL of a server; {expected}")
    if parts.path.rstrip("/").endswith("/completions"):
        raise UserError(f"{url} names one of its endpoints; {expected}")
    return url.rstrip("/")


def complete(
    requests: Iterable[Request], server: Server, stopped: Callable[[], bool] = lambda: False
) -> Generator[Outcome, None, None]:
    """The outcome of each request, in the order in which they finish.

    Requests are read as they are sent, `concurrency` at a time. Once `stopped` says so, or the
    server answers none (UserError), what is under way is given up, and what has finished comes
    out before this ends. Nothing is read from the server while the caller keeps an outcome.
    """
    with asyncio.Runner() as runner:
        finished: asyncio.Queue[Outcome | BaseException | None] = asyncio.Queue()
        client = runner.run(_client(server))
        workers = runner.run(_started(iter(requests), server, client, finished))
        try:
            yield from _outcomes(runner, finished, workers, server, stopped)
        finally:
            runner.run(_ended(workers, client))


def reach(server: Server) -> None:
    """Raise UserError, at once and without retries, where nothing listens at the URL."""

    async def look() -> None:
        import aiohttp
        import openai

        client = await _client(server)
        options: Any = {"max_retries": 0, "timeout": CONNECT_SECONDS}
        try:
            await client.get("/models", cast_to=object, options=options)
        except openai.APIConnectionError as error:
            if unreachable(error):
                raise not_there(error, server) from error
        except (openai.APIError, aiohttp.ClientError, ValueError):
            pass  # it is there; what it thinks of our key is told when it is asked for an answer
        finally:
            await client.close()

    asyncio.run(look())


def _outcomes(
    runner: asyncio.Runner,
    finished: "asyncio.Queue[Outcome | BaseException | None]",
    workers: list["asyncio.Task[None]"],
    server: Server,
    stopped: Callable[[], bool],
) -> Iterator[Outcome]:
    """What comes out of `finished`, until every worker has ended or there is a reason to stop."""
    working, again, unanswered = len(workers), 0, set[str]()
    broken: BaseException | None = None
    while working and broken is None and not stopped():
        for found in runner.run(_batch(finished)):
            if found is None:
                working -= 1
            elif isinstance(found, BaseException):
                broken = broken or found
            else:
                if isinstance(found, LeftOut):
                    # samples of one problem follow each other: that it is refused is no reason
                    unanswered.add(found.request.problem_id)
                    again += found.again
                    if GIVE_UP_AFTER in (again, len(unanswered)):
                        broken = broken or gave_up(found, GIVE_UP_AFTER, server)
                else:
                    again = 0
                    unanswered.clear()
                yield found
    runner.run(_cancelled(workers))
    while not finished.empty():
        if isinstance(found := finished.get_nowait(), Answer | LeftOut):
            yield found
    if broken is not None:
        raise broken


async def _client(server: Server) -> "AsyncOpenAI":
    import openai  # takes a second

    client = openai.AsyncOpenAI(
        base_url=server.url,
        api_key=server.key or NO_KEY,
        timeout=openai.Timeout(server.config.timeout, connect=CONNECT_SECONDS),
        max_retries=server.config.retries,
        http_client=openai.DefaultAioHttpClient(),  # two thirds of the time of the other one
    )
    # from the environment, and not meant for any server but OpenAI's own
    client.organization = client.project = None
    return client


async def _started(
    requests: Iterator[Request],
    server: Server,
    client: "AsyncOpenAI",
    finished: "asyncio.Queue[Outcome | BaseException | None]",
) -> list["asyncio.Task[None]"]:
    async def work() -> None:
        try:
            for request in requests:  # which all workers share
                finished.put_nowait(await _asked(request, server, client))
        except Exception as error:  # raised where the outcomes are read
            finished.put_nowait(error)
        finally:
            finished.put_nowait(None)

    return [asyncio.create_task(work()) for _ in range(server.config.concurrency)]


async def _asked(request: Request, server: Server, client: "AsyncOpenAI") -> Outcome:
    import aiohttp
    import openai

    body = body_of(request, server.model, server.config.limit_field)
    try:
        path = "/chat/completions" if request.prompt is None else "/completions"
        # as plain values: its models check nothing, and take as long as all the rest
        reply = await client.post(path, cast_to=object, body=body)
    except openai.APIError as error:
        return left_out(request, error, server)
    except aiohttp.ClientError as error:  # of which the client knows nothing
        return LeftOut(request, "the reply is not HTTP", str(error)[:SAID], again=True)
    except ValueError as error:  # what calls itself JSON, or text, and is not
        return LeftOut(request, "the reply is not JSON", str(error)[:SAID], again=True)
    return answer_of(request, reply)


async def _batch(
    finished: "asyncio.Queue[Outcome | BaseException | None]",
) -> list[Outcome | BaseException | None]:
    """What has finished: at least one thing, unless nothing does within TICK."""
    try:
        async with asyncio.timeout(TICK):
            first = await finished.get()
    except TimeoutError:
        return []
    return [first, *(finished.get_nowait() for _ in range(finished.qsize()))]


async def _cancelled(workers: list["asyncio.Task[None]"]) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _ended(workers: list["asyncio.Task[None]"], client: "AsyncOpenAI") -> None:
    await _cancelled(workers)
    await client.close()
