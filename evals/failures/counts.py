"""Failure categories of the generations of a run: stored once, counted, listed."""

from typing import Any

import polars as pl

from data.errors import UserError
from data.numbers import Number, read_answer
from data.progress import Progress
from data.store import TABLES, Store, add, ask, fingerprint
from evals.failures.categories import (
    CATEGORIES,
    SUSPECT_GOLD,
    VERSION,
    Category,
    categories,
    is_gold_suspect,
)
from evals.graders import GRADERS, gold_number
from evals.scores import GENERATIONS_PER_BATCH, NO_GOLD, UnknownRun
from evals.statistics import wilson


def categorise_missing(store: Store, run: str, progress: Progress | None = None) -> int:
    """Categorise the generations of `run` that have no categories yet; returns how many."""
    done = 0
    total = ask(
        store,
        """
        select count(*) as n from generations
        where run = $run and generation_id not in (
            select generation_id from failures where run = $run and version = $version
        )
        """,
        run=run,
        version=VERSION,
    )["n"].item()
    while not (part := _without_categories(store, run)).is_empty():
        for (stage,), of_stage in part.group_by("stage", maintain_order=True):
            rows = categorise_generations(of_stage)
            # named by its content: two processes that categorise at once write it once
            once = fingerprint(ids=of_stage["generation_id"].to_list(), version=VERSION)
            add(store, "failures", rows, run=run, stage=str(stage), once=once)
        done += part.height
        if progress:
            progress(done, total, {})
    return done


def categorise_generations(generations: pl.DataFrame) -> pl.DataFrame:
    """The rows of `failures` for generations with question and gold.

    All samples of a problem must be among them, because SUSPECT_GOLD depends on all of them.
    """
    strict, lenient = GRADERS["strict"].grade, GRADERS["lenient"].grade
    by_generation: list[list[Category]] = []
    answers: dict[str, list[Number | None]] = {}
    for row in generations.iter_rows(named=True):
        text, gold = row["text"], row["gold"]
        score = lenient(text, gold)
        by_generation.append(
            categories(text, row["question"], gold, row["finish"], strict(text, gold), score)
        )
        value = read_answer(score.extracted).value if score.extracted is not None else None
        answers.setdefault(row["problem_id"], []).append(value)
    golds = dict(generations.select("problem_id", "gold").iter_rows())
    suspect = {
        problem
        for problem, values in answers.items()
        if is_gold_suspect(values, gold_number(golds[problem]))
    }
    rows = zip(by_generation, generations["problem_id"], generations["text"], strict=True)
    with_suspect = [
        [*of_row, Category(SUSPECT_GOLD, 0, len(text))] if problem in suspect else of_row
        for of_row, problem, text in rows
    ]
    return generations.select(
        "generation_id",
        "run",
        "stage",
        "problem_id",
        "sample",
        pl.lit(VERSION).alias("version"),
        pl.Series(
            "categories",
            [[category._asdict() for category in of_row] for of_row in with_suspect],
            TABLES["failures"]["categories"],
        ),
    )


def _without_categories(store: Store, run: str) -> pl.DataFrame:
    """Uncategorised generations of whole problems, about GENERATIONS_PER_BATCH of them."""
    return ask(
        store,
        """
        with lacking as (
            select * from generations
            where run = $run and generation_id not in (
                select generation_id from failures where run = $run and version = $version
            )
        ), chosen as (
            select stage, problem_id from (
                select stage, problem_id, sum(count(*)) over (order by stage, problem_id) as upto
                from lacking group by stage, problem_id
            )
            where upto <= $at_a_time
            union
            (select stage, problem_id from lacking order by stage, problem_id limit 1)
        )
        select lacking.*, coalesce(p.gold, $no_gold) as gold, coalesce(p.question, '') as question
        from lacking semi join chosen using (stage, problem_id)
        left join problem_texts p using (problem_id)
        order by stage, problem_id, sample
        """,
        run=run,
        version=VERSION,
        no_gold=NO_GOLD,
        at_a_time=GENERATIONS_PER_BATCH,
    )


def failure_counts(store: Store, run: str) -> dict[str, Any]:
    """The object of `thinkbench failures`: by stage, the share of generations of each category."""
    stages = ask(
        store,
        """
        select stage, count(distinct generation_id) as n from failures
        where run = $run and version = $version group by stage order by stage
        """,
        run=run,
        version=VERSION,
    )
    if stages.is_empty():
        raise UnknownRun(f"the store has no generations of run {run!r}. Name an evaluation.")
    rows = ask(
        store,
        """
        select stage, name, count(distinct generation_id) as n
        from (
            select stage, generation_id, unnest(categories).name as name
            from failures where run = $run and version = $version
        )
        group by stage, name
        """,
        run=run,
        version=VERSION,
    )
    count = {(stage, name): n for stage, name, n in rows.iter_rows()}
    return {
        "run": run,
        "version": VERSION,
        "stages": [
            {
                "stage": stage,
                "n": n,
                "categories": {
                    name: wilson(count[stage, name], n).to_json()
                    for name in CATEGORIES
                    if (stage, name) in count
                },
            }
            for stage, n in stages.iter_rows()
        ],
    }


def list_failures(store: Store, run: str, category: str, limit: int) -> dict[str, Any]:
    """Generations of `run` in one category, each with its evidence; at most `limit`."""
    if category not in CATEGORIES:
        raise UserError(
            f"there is no category {category!r}; expected one of {', '.join(CATEGORIES)}."
            " Name one of them."
        )
    rows = ask(
        store,
        """
        select
            f.generation_id, f.stage, f.problem_id, f.sample, p.question, p.gold,
            list_transform(
                list_filter(f.categories, lambda c: c.name = $category),
                lambda c: {
                    start: c.start, "end": c.end,
                    text: left(substr(g.text, c.start + 1, c.end - c.start), 200)
                }
            ) as evidence
        from failures f
        join generations g using (generation_id)
        left join problem_texts p on p.problem_id = f.problem_id
        where f.run = $run and g.run = $run and f.version = $version
            and list_contains([c.name for c in f.categories], $category)
        order by f.stage, f.problem_id, f.sample
        """,
        run=run,
        version=VERSION,
        category=category,
    )
    return {
        "run": run,
        "category": category,
        "means": CATEGORIES[category],
        "n": rows.height,
        "rows": rows.head(limit).to_dicts(),
    }
