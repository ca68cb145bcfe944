"""The answers of an evaluation, stored as they finish: what was stored is not asked for again."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from data.store import TABLES, Store, add_generations, ask, compact, files
from evals.scores import Problems, graded
from pipeline.config import GRADERS
from pipeline.evaluate.outcomes import Answer, LeftOut, Wanted
from pipeline.stopping import Stop

ROWS = 500  # answers written as one part
SECONDS = 10.0  # and an answer waits no longer for others, once the next one comes
MANY_PARTS = 32  # of a run, from which they are merged while it goes on
SHOWN_EVERY = 0.1  # seconds

Progress = Callable[[int, int, dict[str, float]], None]
W = TypeVar("W", bound=Wanted)
# asks for each, as long as it is not told to stop
Complete = Callable[[list[W], Callable[[], bool]], Iterable[Answer | LeftOut]]


@dataclass(frozen=True)
class Evaluation:
    """Where answers are stored, and the problems they answer."""

    store: Store
    run: str
    stage: str
    problems: Problems

    @property
    def folder(self) -> str:
        """Of the run in the store: its lock, and what was left out."""
        return f"evaluations/{self.run}"

    def generation_id(self, request: Wanted) -> str:
        return f"{request.problem_id}:{request.sample:03d}:{self.run}"


@dataclass
class Kept:
    """How far an evaluation is.

    there: generations in the store    asked: requests of this time    total: of the whole run
    """

    there: int
    asked: int
    total: int
    right: list[bool] = field(default_factory=list)  # this time, as far as decided
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def to_ask_again(self) -> int:
        return sum(one.again for one in self.left_out)

    def reasons(self) -> dict[str, int]:
        """How many were left out for which reason, commonest first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())

    def listed(self, asked: Evaluation) -> str:
        """The path of a file that names each of them, in the store."""
        lines = [
            json.dumps(
                {
                    "problem_id": one.request.problem_id,
                    "sample": one.request.sample,
                    "reason": one.reason,
                    "said": one.said,
                    "again": one.again,
                }
            )
            for one in sorted(self.left_out, key=lambda o: (o.request.problem_id, o.request.sample))
        ]
        path = f"{asked.folder}/left_out.jsonl"
        with files.explained(asked.store.folder):
            files.write(asked.store.folder, [(path, "".join(f"{x}\n" for x in lines).encode())])
        return path


def keep_lacking(
    asked: Evaluation,
    every: Sequence[W],
    complete: Complete[W],
    progress: Progress,
    stop: Stop,
    in_all: Callable[[list[bool]], list[bool]] = list,
) -> Kept:
    """Have those of `every` completed that the store lacks, and keep them as they finish.

    in_all: which are there for all that generate together, see `hosts.in_all`
    """
    ids = ask(asked.store, "select generation_id from generations where run = $run", run=asked.run)
    there = set(ids["generation_id"])
    known = in_all([asked.generation_id(one) in there for one in every])
    lacking = [one for one, is_known in zip(every, known, strict=True) if not is_known]
    kept = Kept(there=len(there), asked=len(lacking), total=len(every))
    stopped = False

    def asked_to_stop() -> bool:
        nonlocal stopped
        stopped = stopped or stop.asked()
        return stopped

    if lacking:
        with stop.listening():
            found = complete(lacking, asked_to_stop)
            # some are made once more only because another process lacks them
            keep(asked, (one for one in found if not _is_in(there, asked, one)), kept, progress)
    if stopped:
        stop.leave()
    return kept


def _is_in(there: set[str], asked: Evaluation, outcome: Answer | LeftOut) -> bool:
    return asked.generation_id(outcome.request) in there


def keep(
    asked: Evaluation, outcomes: Iterable[Answer | LeftOut], kept: Kept, progress: Progress
) -> None:
    """Store each answer of `outcomes`, or count why there is none, also where they break off."""
    golds = dict(asked.problems.kept.select("problem_id", "gold").iter_rows())
    waiting: list[Answer] = []
    begun = flushed = shown = time.monotonic()
    finished, parts = 0, 0
    try:
        for outcome in outcomes:
            finished += 1
            if isinstance(outcome, LeftOut):
                kept.left_out.append(outcome)
            else:
                waiting.append(outcome)
            now = time.monotonic()
            if len(waiting) >= ROWS or now - flushed > SECONDS:
                _flush(asked, waiting, golds, kept)
                parts, flushed = _merged(asked, parts + 1), now
            if now - shown > SHOWN_EVERY or finished == kept.asked:
                shown = now
                progress(kept.there + len(waiting), kept.total, _numbers(kept, finished, begun))
    finally:
        _flush(asked, waiting, golds, kept)


def _numbers(kept: Kept, finished: int, begun: float) -> dict[str, float]:
    numbers = {"per second": finished / max(time.monotonic() - begun, 1e-9)}
    if kept.right:
        numbers["answer"] = sum(kept.right) / len(kept.right)
    if kept.left_out:
        numbers["left out"] = len(kept.left_out)
    return numbers


def _flush(asked: Evaluation, waiting: list[Answer], golds: dict[str, str], kept: Kept) -> None:
    """Store what waits with the first grader's verdicts; the others come when all are there."""
    if not waiting:
        return
    rows = [_row(asked, answer) | {"gold": golds[answer.request.problem_id]} for answer in waiting]
    generations = pl.DataFrame(rows, schema={**TABLES["generations"], "gold": pl.String})
    scores = graded(generations, GRADERS[0])
    add_generations(asked.store, generations.drop("gold"), scores, run=asked.run, stage=asked.stage)
    kept.right += scores["correct"].drop_nulls().to_list()
    kept.there += len(waiting)
    waiting.clear()


def _row(asked: Evaluation, answer: Answer) -> dict[str, object]:
    request = answer.request
    return {
        "generation_id": asked.generation_id(request),
        "run": asked.run,
        "stage": asked.stage,
        "problem_id": request.problem_id,
        "sample": request.sample,
        "text": answer.text,
        "tokens": answer.tokens,
        "finish": answer.finish,
        "seed": request.seed,
        "settings": json.dumps(request.settings, sort_keys=True),
        "label": None,
    }


def _merged(asked: Evaluation, parts: int) -> int:
    """Merge the run's parts once they are many; how many have been written since."""
    if parts < MANY_PARTS:
        return parts
    for table in ("generations", "scores"):
        compact(asked.store, table, asked.run)
    return 0
