"""Ask a judge: what the store has a reply to is not asked; each reply is stored as it comes."""

import time
from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from data.store import TABLES, Store, add
from evals.judge import Question, Reply, Rubric, stored_replies
from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.judge.model import CompleteQuestions, ShouldStop

PART_REPLIES = 200  # replies written as one part
FLUSH_SECONDS = 5.0  # at most this long between two writes: a reply may have cost money


@dataclass
class Counts:
    """What asking took: requests sent, those that the store had, tokens, and what failed.

    cost: None where the rubric has no prices, or the server counts no tokens
    """

    sent: int = 0
    from_store: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    failed: dict[str, int] = field(default_factory=dict)  # reason -> requests; may succeed later
    first_message: str = ""

    def add(self, row: dict[str, Any]) -> None:
        self.prompt_tokens += row["prompt_tokens"] or 0
        self.completion_tokens += row["completion_tokens"] or 0
        self.cost = None if None in (self.cost, row["cost"]) else self.cost + row["cost"]

    def as_json(self) -> dict[str, Any]:
        return {
            "asked": self.sent,
            "from_store": self.from_store,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
            "failed": dict(self.failed),
            "to_ask_again": sum(self.failed.values()),
        }


def replies_to(
    store: Store,
    rubric: Rubric,
    questions: Iterable[Question],
    complete: CompleteQuestions,
    counts: Counts,
    should_stop: ShouldStop = lambda: False,
) -> dict[str, Reply]:
    """Request -> reply, of those of `questions` that have one now. Equal questions are asked once.

    A question that a server refuses for good has a reply that says so, which is not stored. What
    failed otherwise has none, and `counts` has the reasons.
    """
    by_request = {question.request(rubric): question for question in questions}
    replies = stored_replies(store, list(by_request))
    counts.from_store += len(replies)
    missing = [pair for pair in by_request.items() if pair[0] not in replies]
    if not missing:
        return replies
    pending: list[dict[str, Any]] = []
    flushed = time.monotonic()
    outcomes: Any = complete(missing, should_stop)
    try:
        # closed at once where storing fails: requests in flight cost money
        with closing(outcomes) if hasattr(outcomes, "close") else nullcontext():
            for outcome in outcomes:
                counts.sent += 1
                request = outcome.request.problem_id
                if isinstance(outcome, Unanswered):
                    _note_failure(outcome, replies, counts)
                    continue
                row = _row(rubric, outcome, by_request[request].mark)
                counts.add(row)
                replies[request] = Reply(outcome.text, outcome.finish)
                pending.append(row)
                if len(pending) >= PART_REPLIES or time.monotonic() - flushed > FLUSH_SECONDS:
                    _flush(store, rubric, pending)
                    flushed = time.monotonic()
    finally:
        _flush(store, rubric, pending)
    return replies


def run_of(rubric: Rubric) -> str:
    """The run under which replies to a version of a judge are stored."""
    return f"judge-{rubric.name}-{rubric.version}"


def _note_failure(outcome: Unanswered, replies: dict[str, Reply], counts: Counts) -> None:
    counts.first_message = counts.first_message or outcome.message
    if outcome.retryable:
        counts.failed[outcome.reason] = counts.failed.get(outcome.reason, 0) + 1
    else:
        replies[outcome.request.problem_id] = Reply("", None, refused=outcome.reason)


def _row(rubric: Rubric, answer: Answer, mark: str) -> dict[str, Any]:
    return {
        "request": answer.request.problem_id,
        "model": rubric.model,
        "seed": answer.request.seed,
        "mark": mark,
        "reply": answer.text,
        "finish": answer.finish,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.tokens,
        "cost": rubric.cost(answer.prompt_tokens, answer.tokens),
        "at": datetime.now(UTC),
        "run": run_of(rubric),
    }


def _flush(store: Store, rubric: Rubric, pending: list[dict[str, Any]]) -> None:
    if pending:
        rows = pl.DataFrame(pending, schema=TABLES["judge_replies"])
        add(store, "judge_replies", rows, run=run_of(rubric))
        pending.clear()
