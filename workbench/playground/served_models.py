"""Answers of a model behind a server, as events: its samples are written side by side."""

import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

from data.errors import UserError
from data.response_format import user_turn
from pipeline.evaluate import Answer
from pipeline.evaluate.served import Request, Server, stream
from pipeline.generate import seed_of
from workbench.playground.question import ANSWERING, DONE, FAILED, Event, Question

POLL = 0.2  # [s] between two looks at whether to stop


def served_answers(
    index: int, question: Question, server: Server, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """The events of one served model. index: its position among those asked"""
    events: SimpleQueue[Event | BaseException | None] = SimpleQueue()
    stopped = threading.Event()
    requests = _requests(question)
    for request in requests:
        args = (index, request, server, events, stopped)
        threading.Thread(target=_ask, args=args, daemon=True).start()
    running, errors = len(requests), []
    try:
        while running and not should_stop():
            try:
                event = events.get(timeout=POLL)
            except Empty:
                continue
            if event is None:
                running -= 1
            elif isinstance(event, BaseException):
                raise event
            elif event.state == FAILED:
                yield event
                return
            else:
                errors += [event.error] if event.error else []
                yield event
        if len(errors) == len(requests):
            yield Event(model=index, state=FAILED, error=errors[0])
        elif not running:
            yield Event(model=index, state=DONE)
    finally:
        stopped.set()


def _requests(question: Question) -> list[Request]:
    config = question.config
    messages = [{"role": "user", "content": user_turn(question.text)}]
    return [
        Request(
            question.problem_id,
            sample,
            messages,
            config.temperature,
            config.top_p,
            config.top_k,
            config.max_tokens,
            seed_of(config.seed, sample, question.problem_id),
        )
        for sample in range(config.samples)
    ]


def _ask(
    index: int,
    request: Request,
    server: Server,
    events: "SimpleQueue[Event | BaseException | None]",
    stopped: threading.Event,
) -> None:
    """Put the events of one sample into `events`, then None."""
    try:
        for part in stream(request, server):
            if stopped.is_set():
                break
            if isinstance(part, str):
                events.put(Event(model=index, state=ANSWERING, sample=request.sample, text=part))
            elif isinstance(part, Answer):
                events.put(
                    Event(
                        model=index,
                        state=ANSWERING,
                        sample=request.sample,
                        text=part.text,
                        tokens=part.tokens,
                        finish=part.finish,
                        seed=part.request.seed,
                    )
                )
            else:
                error = f"{part.reason}: {part.message}" if part.message else part.reason
                events.put(Event(model=index, state=ANSWERING, sample=request.sample, error=error))
    except UserError as error:
        events.put(Event(model=index, state=FAILED, error=str(error)))
    except Exception as error:  # raised where the events are read
        events.put(error)
    finally:
        events.put(None)
