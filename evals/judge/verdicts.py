"""From generations and a judge's replies to rows of `scores` and `judgements`."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from data.store import TABLES, Store, ask
from evals.graders import GRADERS, Score
from evals.judge.prompt import Question, prompt_of
from evals.judge.reply import REFUSED, TOO_LONG, Judgement, judgement_of
from evals.judge.rubric import Rubric

READER = GRADERS["lenient"]  # finds the final answer wherever it is
NOTHING_ASKED = ""


class Reply(NamedTuple):
    """What came for a request. refused: why there is no text, and will be none; else None"""

    text: str
    finish: str | None
    refused: str | None = None


def texts_of(text: str, question: str, gold: str) -> tuple[dict[str, str], Score]:
    """The texts that a prompt may hold, and what the reader of answers found."""
    score = READER.grade(text, gold)
    texts = {"question": question, "reference": gold, "completion": text}
    return texts | {"answer": score.extracted or ""}, score


def questions_of(rubric: Rubric, generations: pl.DataFrame) -> list[Question | None]:
    """What the judge is asked about each of `generations`; None for one that is too long."""
    return [
        None if len(text) > rubric.longest else prompt_of(rubric, texts_of(text, question, gold)[0])
        for text, question, gold in generations.select("text", "question", "gold").iter_rows()
    ]


def stored_replies(store: Store, requests: list[str]) -> dict[str, Reply]:
    """Request -> its reply, of those that were asked before by any judge of the store."""
    rows = ask(
        store,
        "select request, reply, finish from replies where request in (select unnest($requests))",
        requests=requests,
    )
    return {request: Reply(text, finish) for request, text, finish in rows.iter_rows()}


def verdict_rows(
    rubric: Rubric,
    generations: pl.DataFrame,
    questions: list[Question | None],
    replies: Mapping[str, Reply],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `scores` and of `judgements` for the generations that have a reply.

    `format` and `extracted` are as the reader of answers has them. A judge knows no answer that is
    nearly right: `partial` repeats its verdict.
    """
    rows: list[dict[str, Any]] = []
    for row, question in zip(generations.iter_rows(named=True), questions, strict=True):
        request = NOTHING_ASKED if question is None else question.request(rubric)
        judgement = _judgement(rubric, question, replies.get(request))
        if judgement is None:
            continue
        _, read = texts_of(row["text"], row["question"], row["gold"])
        rows.append(
            {
                **{name: row[name] for name in ("generation_id", "run", "stage", "problem_id")},
                **{name: row[name] for name in ("sample", "tokens", "finish")},
                "grader": rubric.grader,
                "grader_version": rubric.version,
                "format": read.format,
                "extracted": read.extracted,
                "correct": judgement.correct,
                "partial": judgement.correct,
                "reason": judgement.reason,
                "request": request,
                "points": judgement.points,
                "category": judgement.category,
            }
        )
    frame = pl.DataFrame(rows, schema={**TABLES["scores"], **TABLES["judgements"]})
    return frame.select(TABLES["scores"].keys()), frame.select(TABLES["judgements"].keys())


def _judgement(rubric: Rubric, question: Question | None, reply: Reply | None) -> Judgement | None:
    """The judgement on a generation; None where it has to be asked again."""
    if question is None:
        return Judgement(None, reason=TOO_LONG)
    if reply is None:
        return None
    if reply.refused is not None:
        return Judgement(None, reason=f"{REFUSED}: {reply.refused}")
    return judgement_of(rubric, reply.text, question.mark, reply.finish)


def by_hash(ids: pl.Series) -> pl.Series:
    """`ids` in the order of their hashes: the first few are a random sample, always the same."""
    return pl.Series(sorted(ids, key=lambda one: hashlib.sha256(one.encode()).hexdigest()))
