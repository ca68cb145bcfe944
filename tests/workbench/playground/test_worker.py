"""The process that holds models for the app: its answers, its end, and what the app sees."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import polars as pl
import pytest

from data.store.store import Store, ask, open_store
from evals.scores import Problems
from pipeline.config import EvalConfig
from pipeline.evaluate import Evaluation, fitting, store_evaluation
from pipeline.generate import Sampling, engine_of
from pipeline.model import Tokenizer, gemma3
from tests import ROOT
from workbench.playground.connection import WorkerEnded, Workers
from workbench.playground.question import DONE, FAILED, LOADING, Event, Question, new_question

SUM = "What is 2 + 3?"
GREEDY = EvalConfig(max_tokens=8)  # as the journey in a browser: compiled once
WARM = EvalConfig(max_tokens=8, temperature=1.0)
ABSENT = ("nobody",)  # a model that is not there: an answer without jax


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return open_store(tmp_path_factory.mktemp("worker") / "store")


@pytest.fixture(scope="module")
def workers():
    workers = Workers()
    yield workers
    workers.stop()


def never() -> bool:
    return False


def question(models, config=GREEDY, text: str = SUM) -> Question:
    return new_question(text, "5", config, tuple(str(model) for model in models))


def texts(events: list[Event]) -> dict[tuple[int, int | None], list[str]]:
    """(model, sample) -> its texts, in the order in which they came."""
    by_sample: dict[tuple[int, int | None], list[str]] = {}
    for event in events:
        if event.sample is not None:
            by_sample.setdefault((event.model, event.sample), []).append(event.text)
    return by_sample


def stored_by_evaluation(folder: Path, store: Store) -> str:
    """The greedy answer to SUM that an evaluation stores."""
    loaded, tokenizer = gemma3.load(str(folder)), Tokenizer(folder)
    rows = {"problem_id": ["p"], "question": [SUM], "gold": ["5"]}
    problems = fitting(pl.DataFrame(rows), tokenizer, GREEDY.max_prompt_tokens).problems
    sampling = Sampling(max_tokens=GREEDY.max_tokens, max_prompt_tokens=GREEDY.max_prompt_tokens)
    store_evaluation(
        Evaluation(store, "e", "base", Problems(problems, [])),
        engine_of(loaded.model, tokenizer, sampling, 1).generate,
        sampling,
        samples=1,
        seed=0,
        progress=lambda step, of, numbers: None,
    )
    return ask(store, "select text from generations where run = 'e'").item()


def test_a_greedy_answer_is_that_of_an_evaluation_and_grows_to_it(few, store, workers):
    events = list(workers.events(store.folder, question([*ABSENT, few]), never))
    assert [event.state for event in events if event.sample is None] == [
        LOADING, FAILED, LOADING, DONE,
    ]  # fmt: skip
    assert "no model 'nobody'" in next(event.error for event in events if event.error)
    [grown] = texts(events).values()
    assert len(grown) > 5
    assert all(after.startswith(before) for before, after in itertools.pairwise(grown))
    assert grown[-1] == stored_by_evaluation(few, store)
    assert events[-2].is_end_of_text


def test_of_two_questions_at_once_each_gets_its_answers_from_one_process(few, store, workers):
    other = Workers()  # of another app on the same store
    answers: dict[str, list[Event]] = {}

    def receive(side: Workers, text: str) -> None:
        answers[text] = list(side.events(store.folder, question([few, few], WARM, text), never))

    words = [SUM, "\x1b[2J \u202e <script>alert(1)</script> \ud800"]
    threads = [
        threading.Thread(target=receive, args=pair)
        for pair in zip((workers, other), words, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert other.by_store == {}
    for events in answers.values():
        by_sample = texts(events)
        assert sorted(by_sample) == [(0, 0), (1, 0)]
        assert by_sample[0, 0] == by_sample[1, 0]
        # both models are in memory: their texts grow side by side
        turns = [event.model for event in events if event.sample is not None]
        assert turns[:6] == [0, 1, 0, 1, 0, 1]
    first, second = (texts(events)[0, 0] for events in answers.values())
    assert first != second


def test_a_process_that_is_killed_in_the_middle_is_noticed_and_another_one_starts(
    few, store, workers
):
    events = workers.events(store.folder, question([few], WARM), never)
    assert next(events).state == LOADING
    first = workers.by_store[store.folder].process.pid
    os.kill(first, signal.SIGKILL)
    with pytest.raises(WorkerEnded, match=r"has ended\. It was ended by SIGKILL\..*Ask again"):
        list(events)
    events = workers.events(store.folder, question(ABSENT), never)
    assert [event.state for event in events] == [LOADING, FAILED]
    assert workers.by_store[store.folder].process.pid != first


def test_who_does_not_know_the_token_is_refused_and_others_are_answered(store, workers):
    list(workers.events(store.folder, question(ABSENT), never))
    address = workers.by_store[store.folder].address
    with pytest.raises((AuthenticationError, OSError, EOFError)):
        Client(address.path, "AF_UNIX", authkey=b"guess")
    assert address.token not in repr(address)
    assert len(list(workers.events(store.folder, question(ABSENT), never))) == 2


def test_it_ends_with_the_app_that_started_it(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from workbench.playground.connection import Workers\n"
        "workers, store = Workers(), Path(sys.argv[1])\n"
        "workers._connected(store)\n"
        "print(workers.by_store[store].process.pid, 'jax' in sys.modules, flush=True)\n"
        "time.sleep(600)\n"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert app.stdout is not None
    with app.stdout:
        worker, has_jax = app.stdout.readline().split()
    assert has_jax == "False"
    app.kill()
    app.wait()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"the worker {worker} has not ended")
