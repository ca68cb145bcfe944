"""Grade a run by a judge: its verdicts are stored like those of every grader."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import Store, add, ask, files, fingerprint, runs
from evals.comparison import graded_run
from evals.judge import (
    Rubric,
    by_hash,
    questions_of,
    refuse_ranking,
    rubric_of,
    stored_replies,
    verdict_rows,
)
from evals.scores import in_batches, without_verdict
from pipeline.evaluate import Latch
from pipeline.evaluate.judge.ask import Counts, replies_to, run_of
from pipeline.evaluate.judge.model import CompleteQuestions, model_of
from pipeline.stopping import Stop

BATCH = 2_000  # generations whose texts are in memory; the server idles for a moment after each
CHARACTERS_PER_TOKEN = 4  # of an estimate of what is not yet counted


def grade_by_judge(
    store: Store,
    run: str,
    grader: str,
    progress: Progress,
    stop: Stop,
    limit: int | None = None,
) -> dict[str, Any]:
    """Ask the judge about the generations of `run` that it has no verdict on; then their numbers.

    limit: of how many generations of the run at most, verdicts of before included; a random choice
        that is always the same, so that a larger one asks about the difference alone

    What fails for now has no verdict, and is counted as `to_ask_again`: the same call asks it. The
    object has the fields of `thinkbench grade`, and those of `Counts`.
    """
    rubric = rubric_of(store, grader)
    refuse_ranking(rubric)
    missing = missing_of(store, run, rubric, limit)
    counts = Counts()
    if len(missing):
        model = model_of(rubric)
        with files.exclusive(store.folder, run_of(rubric)), recorded(store, rubric, counts):
            missing = missing_of(store, run, rubric, limit)  # as another process left it
            _ask_and_store(store, rubric, run, missing, model, counts, progress, stop)
    value = _numbers(store, run, rubric, counts)
    return {**value, **counts.as_json(), "without_verdict": len(missing_of(store, run, rubric))}


def missing_of(store: Store, run: str, rubric: Rubric, limit: int | None = None) -> pl.Series:
    """The ids of the generations of `run` without a verdict of this version of the judge.

    limit: of the first so many generations of the run, by hash
    """
    ids = without_verdict(store, run, rubric.grader, rubric.version)
    if limit is None or ids.is_empty():
        return ids
    query = "select distinct generation_id from generations where run = $run"
    chosen = by_hash(ask(store, query, run=run)["generation_id"]).head(limit)
    return ids.filter(ids.is_in(chosen.implode()))


def _ask_and_store(
    store: Store,
    rubric: Rubric,
    run: str,
    ids: pl.Series,
    model: CompleteQuestions,
    counts: Counts,
    progress: Progress,
    stop: Stop,
) -> None:
    latch = Latch(stop)
    done = 0
    with stop.listening():
        for generations in batches(store, run, ids):
            questions = questions_of(rubric, generations)
            sent = [question for question in questions if question is not None]
            replies = replies_to(store, rubric, sent, model, counts, latch.is_set)
            scores, judgements = verdict_rows(rubric, generations, questions, replies)
            _store(store, rubric, scores, judgements)
            done += generations.height
            progress(done, len(ids), {"asked": counts.sent, "failed": sum(counts.failed.values())})
            if latch.was_set:
                break
    if latch.was_set:
        stop.leave()


def batches(store: Store, run: str, ids: pl.Series) -> Iterator[pl.DataFrame]:
    """The generations of these ids, BATCH at a time."""
    for first in range(0, len(ids), BATCH):
        yield from in_batches(store, run, ids[first : first + BATCH])


def _store(store: Store, rubric: Rubric, scores: pl.DataFrame, judgements: pl.DataFrame) -> None:
    for (stage,), of_stage in scores.group_by("stage", maintain_order=True):
        run, ids = of_stage["run"][0], of_stage["generation_id"].to_list()
        once = fingerprint(ids=ids, grader=rubric.grader, version=rubric.version)
        of_judge = judgements.filter(stage=stage)
        # the scores last: whoever has them has what they are from
        add(store, "judgements", of_judge, run=run, stage=str(stage), once=once)
        add(store, "scores", of_stage, run=run, stage=str(stage), once=once)


@contextmanager
def recorded(store: Store, rubric: Rubric, counts: Counts) -> Iterator[None]:
    """The run of a judge: when it was asked, and how often. It resumes whenever it is asked."""
    run = run_of(rubric)
    state = runs.state(store, run)
    if state is None or state["event"] != "done":
        config = {"judge": rubric.name, "version": rubric.version, "model": rubric.model}
        runs.begin(store, "judge", run=run, config=config, seed=rubric.seed, inputs={})
    with runs.failures_recorded(store, run, counts.as_json):
        yield
    runs.end(store, run, "done", counts.as_json())


def _numbers(store: Store, run: str, rubric: Rubric, counts: Counts) -> dict[str, Any]:
    """The numbers of the run; an error where the judge gave no verdict at all."""
    graded = "select 1 from scores where run = $run and grader = $grader limit 1"
    if counts.failed and ask(store, graded, run=run, grader=rubric.grader).is_empty():
        reasons = ", ".join(f"{n} x {reason}" for reason, n in counts.failed.items())
        raise UserError(
            f"{rubric.grader} answered none of {counts.sent} requests: {reasons}. The first:"
            f" {counts.first_message}. Give the same command again to ask once more."
        )
    reasons = ask(
        store,
        """
        select reason, count(*) as n from current_scores
        where run = $run and grader = $grader and grader_version = $version
            and graded_correct is null
        group by reason order by n desc, reason
        """,
        run=run,
        grader=rubric.grader,
        version=rubric.version,
    )
    return graded_run(store, run, rubric.grader) | {"unknown_by_reason": dict(reasons.iter_rows())}


def estimate(store: Store, run: str, grader: str, limit: int | None = None) -> dict[str, Any]:
    """The object of `grade --dry-run`: how many requests it would send, tokens, and their cost.

    Tokens of prompts are estimated by their characters, those of replies as the mean of the judge's
    replies so far, or else max_tokens, the most that they can have.
    """
    rubric = rubric_of(store, grader)
    refuse_ranking(rubric)
    ids = missing_of(store, run, rubric, limit)
    characters = from_store = too_long = 0
    requests: set[str] = set()
    for generations in batches(store, run, ids):
        questions = questions_of(rubric, generations)
        new = {q.request(rubric): len(q.prompt) for q in questions if q is not None}
        too_long += questions.count(None)
        stored = stored_replies(store, list(new)).keys()
        from_store += len(stored)
        characters += sum(n for one, n in new.items() if one not in stored | requests)
        requests |= new.keys() - stored
    mean = ask(
        store,
        "select avg(completion_tokens) as mean from replies where run = $run",
        run=run_of(rubric),
    )["mean"].item()
    prompt = characters // CHARACTERS_PER_TOKEN
    completion = round(len(requests) * (rubric.max_tokens if mean is None else mean))
    return {
        "run": run,
        "grader": rubric.grader,
        "version": rubric.version,
        "without_verdict": len(ids),
        "too_long": too_long,
        "from_store": from_store,
        "to_ask": len(requests),
        "estimated_prompt_tokens": prompt,
        "estimated_completion_tokens": completion,
        "estimated_cost": rubric.cost(prompt, completion),
    }
