"""Answers of the playground, kept as generations: a run for each model, under one problem."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.store import PLAYGROUND, TABLES, Store, add_generations, ask, files, runs, state
from evals.failures import categorise_missing
from evals.imports import PROBLEMS, add_problems, ids_of_problems
from evals.scores import NO_GOLD, grade_generations, grade_missing
from pipeline.config import GRADERS, as_json
from workbench.playground.question import Event, Question


@dataclass(frozen=True)
class Answered:
    """A model and its finished answers.

    run:    which run of the store made the model; None: none
    origin: what else is known of it, such as its server
    """

    model: str
    stage: str
    run: str | None
    answers: tuple[Event, ...]
    origin: dict[str, str]


@dataclass(frozen=True)
class _Problem:
    """The problem of a question, where it has a reference answer."""

    problem_id: str
    question: str
    gold: str


def keep_answers(
    store: Store, question: Question, answered: Sequence[Answered], author: str
) -> list[str]:
    """Store finished answers as generations; the run of each model, in order.

    They are graded and categorised as those of an evaluation. Keeping the same answers again adds
    nothing. A model without an answer has no run.
    """
    return [
        _keep(store, question, model, author)
        for model in answered
        if any(answer.is_end_of_text for answer in model.answers)
    ]


def _keep(store: Store, question: Question, model: Answered, author: str) -> str:
    answers = [answer for answer in model.answers if answer.is_end_of_text]
    config = as_json(question.config) | {"model": model.model, **model.origin}
    content = {"question": question.text, "gold": question.gold or ""}
    texts = [[answer.sample, answer.text] for answer in answers]
    name = runs.fingerprint(**content, config=config, texts=texts)
    run = f"{PLAYGROUND}-{model.stage}-{name[:12]}"
    if (before := state(store, run)) and before["event"] == "done":
        return run
    runs.begin(
        store,
        PLAYGROUND,
        run=run,
        stage=model.stage,
        config=config | {"author": author},
        seed=question.config.seed,
        inputs={"question": runs.fingerprint(**content)},
        parent=model.run,
    )
    with runs.failures_recorded(store, run):
        problem_id = _problem_id(store, run, question)
        _add(store, run, model.stage, problem_id, question, answers)
        for grader in GRADERS[1:]:
            grade_missing(store, run, grader)
        categorise_missing(store, run)
    origin = {} if model.run else {"model_name": model.model}
    runs.end(store, run, "done", {"generations": len(answers), "problem": problem_id, **origin})
    return run


def _problem_id(store: Store, run: str, question: Question) -> str:
    """The id of the question's problem; one that the store does not have is added with the run."""
    if question.is_stored:
        return question.problem_id
    with files.exclusive(store.folder, PROBLEMS):
        if question.gold is None:
            new = {question.problem_id: (question.text, None)}
            stored = ask(
                store, "select 1 from problems where problem_id = $id", id=question.problem_id
            )
            if stored.is_empty():
                add_problems(store, run, new, "test")
            return question.problem_id
        problem = _Problem(question.problem_id, question.text, question.gold)
        ids = ids_of_problems(store, run, [problem], "test")
        return next(iter(ids.values()))


def _add(
    store: Store, run: str, stage: str, problem_id: str, question: Question, answers: list[Event]
) -> None:
    config = as_json(question.config)
    settings = {name: config[name] for name in ("temperature", "top_k", "top_p", "max_tokens")}
    rows: list[dict[str, Any]] = [
        {
            "generation_id": f"{problem_id}:{answer.sample:03d}:{run}",
            "run": run,
            "stage": stage,
            "problem_id": problem_id,
            "sample": answer.sample,
            "text": answer.text,
            "tokens": answer.tokens,
            "finish": answer.finish,
            "seed": answer.seed,
            "settings": json.dumps(settings, sort_keys=True),
            "label": None,
            "gold": question.gold or NO_GOLD,
        }
        for answer in answers
    ]
    generations = pl.DataFrame(rows, schema={**TABLES["generations"], "gold": pl.String})
    scores = grade_generations(generations, GRADERS[0])
    once = runs.fingerprint(ids=generations["generation_id"].to_list())
    add_generations(store, generations.drop("gold"), scores, run=run, stage=stage, once=once)
