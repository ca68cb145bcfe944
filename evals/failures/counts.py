"""Failure categories of the generations of a run: stored once, counted, listed."""

from difflib import get_close_matches
from typing import Any

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import TABLES, Store, add, ask, fingerprint
from evals.failures.by_judges import judge_categories, named_by_judge
from evals.failures.categories import (
    CATEGORIES,
    ONLY_LENIENT,
    SUSPECT_GOLD,
    VERSION,
    categories,
)
from evals.failures.suspect_golds import suspect_golds
from evals.graders import GRADERS
from evals.judge import PREFIX
from evals.scores import grade_missing, in_batches, unknown_run
from evals.statistics import wilson


def categorise_missing(store: Store, run: str, progress: Progress | None = None) -> int:
    """Categorise the generations of `run` that have no categories yet; returns how many.

    Suspect reference answers are read from the verdicts of `lenient`: it grades what it lacks.
    """
    grade_missing(store, run, "lenient")
    missing = ask(
        store,
        """
        select distinct generation_id, stage, problem_id, sample from generations
        where run = $run and generation_id not in (
            select generation_id from failures where run = $run and version = $version
        )
        order by stage, problem_id, sample, generation_id
        """,
        run=run,
        version=VERSION,
    )
    done = 0
    for part in in_batches(store, run, missing["generation_id"]):
        for (stage,), of_stage in part.group_by("stage", maintain_order=True):
            rows = categorise_generations(of_stage)
            # named by its content: two processes that categorise at once write it once
            once = fingerprint(ids=of_stage["generation_id"].to_list(), version=VERSION)
            add(store, "failures", rows, run=run, stage=str(stage), once=once)
        done += part.height
        if progress:
            progress(done, missing.height, {})
    return missing.height


def categorise_generations(generations: pl.DataFrame) -> pl.DataFrame:
    """The rows of `failures` for generations with question and gold."""
    strict, lenient = GRADERS["strict"].grade, GRADERS["lenient"].grade
    by_generation = [
        categories(
            row["text"],
            row["question"],
            row["gold"],
            row["finish"],
            strict(row["text"], row["gold"]),
            lenient(row["text"], row["gold"]),
        )
        for row in generations.iter_rows(named=True)
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
            [[category._asdict() for category in of_row] for of_row in by_generation],
            TABLES["failures"]["categories"],
        ),
    )


# A generation has errors only where no grader and no person calls it correct: $grader alone, or
# where that is null any but `notebook`, which repeats the faults of another tool, and judges.
ERRORS = f"""
with right_ones as (
    select distinct generation_id from current_scores
    where run = $run and correct and if($grader is null,
        grader <> 'notebook' and not starts_with(grader, 'judge:'), grader = $grader)
), errors as (
    select distinct on (generation_id) generation_id, stage, problem_id, sample,
        if(generation_id in (select generation_id from right_ones),
            list_filter(categories, lambda c: c.name = '{ONLY_LENIENT}'), categories)
            as categories
    from failures where run = $run and version = $version
)
"""


def failure_counts(store: Store, run: str, grader: str | None = None) -> dict[str, Any]:
    """The object of `thinkbench failures`: by stage, the share of generations of each category.

    grader: whose correct answers have no errors; None: those of every grader but `notebook`
    """
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
        raise unknown_run(
            store, run, f"the store has no generations of run {run!r}. Name an evaluation."
        )
    rows = ask(
        store,
        f"""
        {ERRORS}
        select stage, name, count(distinct generation_id) as n
        from (select stage, generation_id, unnest(categories).name as name from errors)
        group by stage, name
        """,
        run=run,
        version=VERSION,
        grader=grader,
    )
    count = {(stage, name): n for stage, name, n in rows.iter_rows()}
    for stage, n in _samples_of_suspects(store, run)["stage"].value_counts().iter_rows():
        count[stage, SUSPECT_GOLD] = n
    by_judges = judge_categories(store, run)
    return {
        "run": run,
        "grader": grader,
        "version": VERSION,
        "stages": [
            {
                "stage": stage,
                "n": n,
                "by_judges": by_judges.get(stage, {}),
                "categories": {
                    name: {"means": means, **wilson(count[stage, name], n).to_json()}
                    for name, means in CATEGORIES.items()
                    if (stage, name) in count
                },
            }
            for stage, n in stages.iter_rows()
        ],
    }


def list_failures(
    store: Store, run: str, category: str, limit: int, grader: str | None = None
) -> dict[str, Any]:
    """Generations of `run` in one category, each with its evidence; at most `limit`.

    grader: as in `failure_counts`
    """
    of_judge = category.startswith(PREFIX)
    if category not in CATEGORIES and not of_judge:
        near = get_close_matches(category.lower(), CATEGORIES, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else " Name one of them."
        raise UserError(
            f"there is no category {category!r}; expected one of {', '.join(CATEGORIES)}.{hint}"
        )
    listed = named_by_judge(store, run, category) if of_judge else None
    rows = _listed(store, run, category, grader) if listed is None else listed
    return {
        "run": run,
        "grader": grader,
        "category": category,
        "means": CATEGORIES.get(category) or f"named by {category.partition('/')[0]}",
        "n": rows.height,
        "rows": rows.head(limit).to_dicts(),
    }


def _listed(store: Store, run: str, category: str, grader: str | None) -> pl.DataFrame:
    if category == SUSPECT_GOLD:
        whole = pl.lit([{"start": 0, "end": 0, "text": ""}])
        return _samples_of_suspects(store, run).with_columns(evidence=whole)
    return ask(
        store,
        f"""
        {ERRORS}
        select
            f.generation_id, f.stage, f.problem_id, f.sample, g.question, g.gold,
            list_transform(
                list_filter(f.categories, lambda c: c.name = $category),
                lambda c: {{
                    start: c.start, "end": c.end,
                    text: left(substr(g.text, c.start + 1, c.end - c.start), 200)
                }}
            ) as evidence
        from errors f
        join answered_generations g using (generation_id)
        where g.run = $run and list_contains([c.name for c in f.categories], $category)
        order by f.stage, f.problem_id, f.sample
        """,
        run=run,
        version=VERSION,
        category=category,
        grader=grader,
    )


def _samples_of_suspects(store: Store, run: str) -> pl.DataFrame:
    """generation_id, stage, problem_id, sample, question, gold: all samples of these problems."""
    rows = ask(
        store,
        """
        select distinct generation_id, stage, problem_id, sample, question, gold
        from answered_generations where run = $run
        order by stage, problem_id, sample
        """,
        run=run,
    )
    suspects = suspect_golds(store, run)
    return rows.join(suspects, on=["stage", "problem_id"], how="semi", maintain_order="left")
