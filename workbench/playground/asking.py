"""One question in progress: threads receive the answers of its models, a page reads them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.store import Store
from evals.judge import checked_url
from pipeline.config import ModelConfig
from pipeline.evaluate.served import ServedConfig, Server
from workbench.lookup import starting_model
from workbench.playground.connection import WorkerEnded, Workers
from workbench.playground.generations import Answered
from workbench.playground.question import (
    ENDED,
    FAILED,
    STOPPED,
    WAITING,
    Event,
    Question,
)
from workbench.playground.served_models import served_answers

# [s] without a look, after which a question ends; a browser asks for a hidden tab once a minute
ABANDONED = 90.0
SERVED = "served"  # stage of a model behind a server


@dataclass(frozen=True)
class Choice:
    """A model to ask: a run, folder or hub id; with a server, the name of a model there."""

    name: str
    server: Server | None = None


def served_choice(name: str, url: str, key: str = "") -> Choice:
    """A model behind a server. Requests are retried once: a person waits for them.

    UserError: the URL is not that of a server
    """
    return Choice(name, Server(checked_url(url), name, key, ServedConfig(retries=1)))


@dataclass
class ModelAnswers:
    """What a model has answered so far. error: why it has no answer"""

    choice: Choice
    state: str = WAITING
    error: str = ""
    samples: dict[int, Event] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    def add(self, event: Event) -> None:
        if event.sample is not None:
            before = self.samples.get(event.sample)
            # a sample that fails keeps the text that it had
            text = before.text if event.error and before else event.text
            self.samples[event.sample] = replace(event, text=text)
        self.state = event.state
        if event.sample is None and event.error:
            self.error = event.error


class Asking:
    """A question and the answers of its models, which grow while this process does other work."""

    def __init__(self, question: Question, choices: Sequence[Choice]) -> None:
        self.question = question
        self.models = [ModelAnswers(choice) for choice in choices]
        self.runs: list[str] = []  # of the answers, once they are stored
        self._stopped = threading.Event()
        self._looked_at = time.monotonic()

    @property
    def is_ended(self) -> bool:
        return all(model.is_ended for model in self.models)

    def start(self, folder: Path, workers: Workers) -> None:
        """Ask every model, until all have answered or nobody looks any more.

        folder: of the store, whose worker holds the models of this machine
        """
        if local := self._local():
            question = self._to_local(local)
            self._in_thread(local, lambda: workers.events(folder, question, self._should_stop))
        for index, model in enumerate(self.models):
            if (server := model.choice.server) is not None:
                self._in_thread([index], self._served(server))

    def _served(self, server: Server) -> Callable[[], Iterator[Event]]:
        return lambda: served_answers(0, self.question, server, self._should_stop)

    def look(self) -> None:
        """Say that somebody still looks at the answers."""
        self._looked_at = time.monotonic()

    def _should_stop(self) -> bool:
        return self._stopped.is_set() or time.monotonic() - self._looked_at > ABANDONED

    def _local(self) -> list[int]:
        """Positions of the models of this machine."""
        return [i for i, model in enumerate(self.models) if model.choice.server is None]

    def _to_local(self, local: list[int]) -> Question:
        return replace(self.question, models=tuple(self.models[i].choice.name for i in local))

    def events(self, store: Store, config: ModelConfig) -> Iterator[Event]:
        """Ask every model in this process, which then loads jax; the events as they come.

        config: how models of this machine are loaded
        """
        if local := self._local():
            from workbench.playground.local_models import LocalModels

            models = LocalModels(store, config)
            for event in models.answers(self._to_local(local), self._stopped.is_set):
                yield self._added(local[event.model], event)
        for index, model in enumerate(self.models):
            if (server := model.choice.server) is not None:
                for event in served_answers(0, self.question, server, self._stopped.is_set):
                    yield self._added(index, event)

    def _added(self, index: int, event: Event) -> Event:
        self.models[index].add(event)
        return replace(event, model=index)

    def stop(self) -> None:
        """End what is not finished; texts stay as they are."""
        self._stopped.set()

    def _in_thread(self, indices: list[int], events: Callable[[], Iterator[Event]]) -> None:
        def receive() -> None:
            try:
                for event in events():
                    self.models[indices[event.model]].add(event)
            except WorkerEnded as error:
                self._end(indices, FAILED, str(error))
            except Exception as error:
                self._end(indices, FAILED, f"{type(error).__name__}: {error}")
                raise
            self._end(indices, STOPPED, "")

        threading.Thread(target=receive, daemon=True).start()

    def _end(self, indices: list[int], state: str, error: str) -> None:
        for model in (self.models[index] for index in indices):
            if not model.is_ended:
                model.state, model.error = state, error


def answered(store: Store, models: Sequence[ModelAnswers]) -> list[Answered]:
    """The models with their answers, as they can be kept."""
    return [_answered(store, model) for model in models]


def _answered(store: Store, model: ModelAnswers) -> Answered:
    answers = tuple(model.samples[sample] for sample in sorted(model.samples))
    if (server := model.choice.server) is not None:
        return Answered(model.choice.name, SERVED, None, answers, {"served": server.url})
    start = starting_model(store, model.choice.name)
    return Answered(model.choice.name, start.stage, start.run, answers, {})
