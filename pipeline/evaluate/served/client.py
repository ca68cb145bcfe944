"""Send requests to a server, many at a time; each outcome is yielded as it finishes."""

import asyncio
import ssl
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served.errors import (
    is_unreachable,
    refuses_seed,
    too_many_failures,
    unanswered,
    unreachable,
    without_key,
)
from pipeline.evaluate.served.replies import MESSAGE_CHARS, answer_of
from pipeline.evaluate.served.requests import Request, body_of
from pipeline.evaluate.served.server import Server

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Outcome = Answer | Unanswered
Event = Outcome | BaseException | None  # None: a worker has ended
Queue = asyncio.Queue[Event]
Workers = list["asyncio.Task[None]"]

POLL_SECONDS = 0.2  # between two checks of `should_stop` while no request finishes
CONNECT_SECONDS = 10.0
MAX_FAILURES = 20  # problems in a row without an answer, or failed requests that are retryable
NO_KEY = "none"  # the client requires a key; servers without accounts ignore it


def complete(
    requests: Iterable[Request], server: Server, should_stop: Callable[[], bool] = lambda: False
) -> Generator[Outcome, None, None]:
    """The outcome of each request, in the order in which they finish.

    Requests are read as they are sent, `concurrency` at a time. When `should_stop` returns True,
    or the server answers no request (UserError), requests in flight are cancelled; outcomes that
    have arrived are still yielded. While the caller handles an outcome, nothing is received.
    """
    with asyncio.Runner() as runner:
        finished: Queue = asyncio.Queue()
        session = _Session(server, runner.run(_client(server)))
        workers = runner.run(_start_workers(iter(requests), session, finished))
        try:
            yield from _outcomes(runner, finished, workers, server, should_stop)
        finally:
            runner.run(_close(workers, session.client))


def check_reachable(server: Server) -> None:
    """Raise UserError, without retries, if nothing listens at the URL."""

    async def get_models() -> None:
        import aiohttp
        import openai

        client = await _client(server)
        options: Any = {"max_retries": 0, "timeout": CONNECT_SECONDS}
        try:
            await client.get("/models", cast_to=object, options=options)
        except openai.APIConnectionError as error:
            if is_unreachable(error):
                raise unreachable(error, server) from error
        except (openai.APIError, aiohttp.ClientError, ValueError):
            pass  # a server is there; a wrong key or model is reported by the first request
        finally:
            await client.close()

    asyncio.run(get_models())


@dataclass
class _Session:
    """A server, the client that sends requests to it, and what is known of the server by now."""

    server: Server
    client: "AsyncOpenAI"
    refuses_seed: bool = False


@dataclass
class _Failures:
    """Failures since the last answer.

    Unanswered requests are counted by problem: the samples of one problem are consecutive, so a
    problem that the server refuses is no sign that it refuses all.
    """

    retryable: int = 0
    problem_ids: set[str] = field(default_factory=set)

    def add(self, outcome: Outcome) -> bool:
        """Whether there are now so many that the evaluation should end."""
        if isinstance(outcome, Answer):
            self.retryable = 0
            self.problem_ids.clear()
            return False
        self.problem_ids.add(outcome.request.problem_id)
        self.retryable += outcome.retryable
        return MAX_FAILURES in (self.retryable, len(self.problem_ids))


def _outcomes(
    runner: asyncio.Runner,
    finished: Queue,
    workers: Workers,
    server: Server,
    should_stop: Callable[[], bool],
) -> Iterator[Outcome]:
    """The outcomes in `finished`, until all workers have ended, one failed, or it should stop."""
    running, failures = len(workers), _Failures()
    failure: BaseException | None = None
    while running and failure is None and not should_stop():
        for event in runner.run(_next_events(finished)):
            if event is None:
                running -= 1
            elif isinstance(event, BaseException):
                failure = failure or event
            else:
                if failures.add(event) and isinstance(event, Unanswered):
                    failure = failure or too_many_failures(event, MAX_FAILURES, server)
                yield event
    runner.run(_cancel(workers))
    while not finished.empty():
        if isinstance(event := finished.get_nowait(), Answer | Unanswered):
            yield event
    if failure is not None:
        raise failure


@cache
def certificates() -> ssl.SSLContext | bool:
    """Whom a client trusts: to read the files of this machine takes longer than most requests."""
    if sys.platform in ("darwin", "win32"):
        return True  # the client asks the system
    return ssl.create_default_context()


async def _client(server: Server) -> "AsyncOpenAI":
    import openai  # takes a second

    client = openai.AsyncOpenAI(
        base_url=server.url,
        api_key=server.key or NO_KEY,
        timeout=openai.Timeout(server.config.timeout, connect=CONNECT_SECONDS),
        max_retries=server.config.retries,
        # takes two thirds of the default client's time
        http_client=openai.DefaultAioHttpClient(verify=certificates()),
    )
    # The client reads these from the environment; they are meant only for OpenAI's own server.
    client.organization = client.project = None
    return client


async def _start_workers(
    requests: Iterator[Request], session: "_Session", finished: Queue
) -> Workers:
    """Tasks that take requests from the shared iterator and put their outcomes into `finished`."""

    async def work() -> None:
        try:
            for request in requests:
                finished.put_nowait(await _outcome(request, session))
        except Exception as error:  # raised in _outcomes, where the outcomes are read
            finished.put_nowait(error)
        finally:
            finished.put_nowait(None)

    return [asyncio.create_task(work()) for _ in range(session.server.config.concurrency)]


async def _outcome(request: Request, session: "_Session") -> Outcome:
    import aiohttp
    import openai

    try:
        request, reply = await _reply(request, session)
    except openai.APIError as error:
        return unanswered(request, error, session.server)
    except aiohttp.ClientError as error:  # openai does not wrap these
        message = str(error)[:MESSAGE_CHARS]
        return Unanswered(request, "the reply is not HTTP", message, retryable=True)
    except ValueError as error:  # the reply is not JSON, or not in its declared encoding
        message = str(error)[:MESSAGE_CHARS]
        return Unanswered(request, "the reply is not JSON", message, retryable=True)
    outcome = answer_of(request, reply)
    if isinstance(outcome, Unanswered):
        return replace(outcome, message=without_key(outcome.message, session.server))
    return outcome


async def _reply(request: Request, session: "_Session") -> tuple[Request, Any]:
    """The request as it was answered, and the reply: without a seed where the server refuses it."""
    import openai

    if session.refuses_seed:
        request = replace(request, seed=None)
    try:
        return request, await _post(request, session)
    except openai.APIError as error:
        if request.seed is None or not refuses_seed(error):
            raise
    request = replace(request, seed=None)
    reply = await _post(request, session)
    session.refuses_seed = True  # only now is it known that the seed was the reason
    return request, reply


async def _post(request: Request, session: "_Session") -> Any:
    body = body_of(request, session.server.model, session.server.config.limit_field)
    path = "/chat/completions" if request.prompt is None else "/completions"
    # cast_to=object: the client's own models validate nothing and double the time
    return await session.client.post(path, cast_to=object, body=body)


async def _next_events(finished: Queue) -> list[Event]:
    """All events that have arrived; waits for one at most POLL_SECONDS."""
    try:
        async with asyncio.timeout(POLL_SECONDS):
            first = await finished.get()
    except TimeoutError:
        return []
    return [first, *(finished.get_nowait() for _ in range(finished.qsize()))]


async def _cancel(workers: Workers) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _close(workers: Workers, client: "AsyncOpenAI") -> None:
    await _cancel(workers)
    await client.close()
