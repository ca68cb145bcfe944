"""The answers of an evaluation, stored as they finish; a resumed evaluation requests only the rest.

Every requested sample becomes an `Answer` or an `Unanswered` with its reason.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import polars as pl

from data.progress import Progress
from data.store import TABLES, Store, add_generations, ask, files
from data.store.upkeep import compact
from evals.scores import Problems, grade_generations
from pipeline.config import GRADERS
from pipeline.stopping import Stop

PART_ROWS = 500  # answers written as one part
FLUSH_SECONDS = 10.0  # at most this long between two writes, while answers arrive
MERGE_PARTS = 32  # parts of a run that are merged into one while it is still running
PROGRESS_SECONDS = 0.1


class SampleRequest(Protocol):
    """One sample of a problem to generate. Samples are numbered from 0; each has its own seed.

    seed: None where the server draws without one
    settings: the sampling settings, as the store keeps them
    """

    @property
    def problem_id(self) -> str: ...
    @property
    def sample(self) -> int: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def settings(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Answer:
    """A completion. text: without the stop token

    tokens: their number, the stop token included; None where a server did not report it
    finish: stop (the model ended by itself), length (it was cut off), or None where unknown
    prompt_tokens: as a server counted them
    """

    request: SampleRequest
    text: str
    tokens: int | None
    finish: str | None
    prompt_tokens: int | None = None


@dataclass(frozen=True)
class Unanswered:
    """A request without a completion. It is never stored as an empty completion.

    reason:    one of a few fixed phrases
    message:   the server's own message, truncated
    retryable: whether the same request may succeed later
    """

    request: SampleRequest
    reason: str
    message: str
    retryable: bool


R = TypeVar("R", bound=SampleRequest)
# Completes the requests in any order, until the function that it is given returns True.
Complete = Callable[[list[R], Callable[[], bool]], Iterable[Answer | Unanswered]]


@dataclass(frozen=True)
class Evaluation:
    """The run that answers are stored under, and the problems they answer."""

    store: Store
    run: str
    stage: str
    problems: Problems

    @property
    def folder(self) -> str:
        """The run's folder in the store: its lock, and the list of unanswered requests."""
        return f"evaluations/{self.run}"

    def generation_id(self, request: SampleRequest) -> str:
        return f"{request.problem_id}:{request.sample:03d}:{self.run}"


@dataclass
class Tally:
    """How far an evaluation is.

    stored:    generations in the store, those of earlier attempts included
    requested: requests of this attempt
    total:     requests of the whole run
    correct:   verdicts of this attempt's answers, without those that are unknown
    """

    stored: int
    requested: int
    total: int
    correct: list[bool] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)

    @property
    def retryable(self) -> int:
        return sum(one.retryable for one in self.unanswered)

    def reasons(self) -> dict[str, int]:
        """Reason -> number of unanswered requests, the most frequent first."""
        return dict(Counter(one.reason for one in self.unanswered).most_common())


def complete_missing(
    evaluation: Evaluation,
    requests: Sequence[R],
    complete: Complete[R],
    progress: Progress,
    stop: Stop,
    stored_everywhere: Callable[[list[bool]], list[bool]] = list,
) -> Tally:
    """Complete those of `requests` that the store lacks, and store each answer as it finishes.

    stored_everywhere: from what is stored here to what is stored in every process that
        generates together; see `distributed.in_all`
    """
    rows = ask(
        evaluation.store,
        "select generation_id from generations where run = $run",
        run=evaluation.run,
    )
    stored_ids = set(rows["generation_id"])

    def is_stored(request: SampleRequest) -> bool:
        return evaluation.generation_id(request) in stored_ids

    complete_already = stored_everywhere([is_stored(request) for request in requests])
    missing = [
        request for request, done in zip(requests, complete_already, strict=True) if not done
    ]
    tally = Tally(stored=len(stored_ids), requested=len(missing), total=len(requests))
    latch = Latch(stop)
    if missing:
        with stop.listening():
            outcomes = complete(missing, latch.is_set)
            # some are generated again only because another process lacks them
            new = (outcome for outcome in outcomes if not is_stored(outcome.request))
            store_answers(evaluation, new, tally, progress)
    if latch.was_set:
        stop.leave()
    return tally


@dataclass
class Latch:
    """Remembers that a stop was requested: `Stop` answers for one step at a time."""

    stop: Stop
    was_set: bool = False

    def is_set(self) -> bool:
        self.was_set = self.was_set or self.stop.should_leave()
        return self.was_set


def store_answers(
    evaluation: Evaluation,
    outcomes: Iterable[Answer | Unanswered],
    tally: Tally,
    progress: Progress,
) -> None:
    """Store every answer of `outcomes` and count the unanswered, also if iteration fails."""
    references = dict(evaluation.problems.usable.select("problem_id", "gold").iter_rows())
    pending: list[Answer] = []
    started = flushed = shown = time.monotonic()
    finished, parts = 0, 0
    try:
        for outcome in outcomes:
            finished += 1
            if isinstance(outcome, Unanswered):
                tally.unanswered.append(outcome)
            else:
                pending.append(outcome)
            now = time.monotonic()
            if len(pending) >= PART_ROWS or now - flushed > FLUSH_SECONDS:
                _flush(evaluation, pending, references, tally)
                parts, flushed = _merge_parts(evaluation, parts + 1), now
            if now - shown > PROGRESS_SECONDS or finished == tally.requested:
                shown = now
                numbers = _numbers(tally, finished / max(now - started, 1e-9))
                progress(tally.stored + len(pending), tally.total, numbers)
    finally:
        _flush(evaluation, pending, references, tally)


def _numbers(tally: Tally, per_second: float) -> dict[str, float]:
    numbers = {"per second": per_second}
    if tally.correct:
        numbers["answer"] = sum(tally.correct) / len(tally.correct)
    if tally.unanswered:
        numbers["left out"] = len(tally.unanswered)
    return numbers


def _flush(
    evaluation: Evaluation, pending: list[Answer], references: dict[str, str], tally: Tally
) -> None:
    """Store the pending answers with the first grader's verdicts; the other graders run at the end.

    references: problem_id -> reference answer
    """
    if not pending:
        return
    rows = [
        _row(evaluation, answer) | {"gold": references[answer.request.problem_id]}
        for answer in pending
    ]
    generations = pl.DataFrame(rows, schema={**TABLES["generations"], "gold": pl.String})
    scores = grade_generations(generations, GRADERS[0])
    add_generations(
        evaluation.store,
        generations.drop("gold"),
        scores,
        run=evaluation.run,
        stage=evaluation.stage,
    )
    tally.correct += scores["correct"].drop_nulls().to_list()
    tally.stored += len(pending)
    pending.clear()


def _row(evaluation: Evaluation, answer: Answer) -> dict[str, object]:
    request = answer.request
    return {
        "generation_id": evaluation.generation_id(request),
        "run": evaluation.run,
        "stage": evaluation.stage,
        "problem_id": request.problem_id,
        "sample": request.sample,
        "text": answer.text,
        "tokens": answer.tokens,
        "finish": answer.finish,
        "seed": request.seed,
        "settings": json.dumps(request.settings, sort_keys=True),
        "label": None,
    }


def _merge_parts(evaluation: Evaluation, parts: int) -> int:
    """Merge the run's parts if there are many; the number written since the last merge."""
    if parts < MERGE_PARTS:
        return parts
    for table in ("generations", "scores"):
        compact(evaluation.store, table, evaluation.run)
    return 0


def write_unanswered(evaluation: Evaluation, unanswered: Iterable[Unanswered]) -> str:
    """Write the list of unanswered requests; the file's path in the store."""
    lines = [
        json.dumps(
            {
                "problem_id": one.request.problem_id,
                "sample": one.request.sample,
                "reason": one.reason,
                "said": one.message,
                "again": one.retryable,
            }
        )
        for one in sorted(unanswered, key=lambda o: (o.request.problem_id, o.request.sample))
    ]
    path = f"{evaluation.folder}/left_out.jsonl"
    content = "".join(f"{line}\n" for line in lines).encode()
    with files.explained(evaluation.store.folder):
        files.write(evaluation.store.folder, [(path, content)])
    return path
