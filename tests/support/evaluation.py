"""A finished evaluation, for tests of what is shown of it."""

import polars as pl

from data.store import runs
from data.store.schema import TABLES
from data.store.store import Store, add_generations
from evals.scores import grade


def evaluate(
    store: Store, run: str, stage: str, answers: list[str], parent: str | None = None
) -> None:
    """A finished evaluation of problems p0, p1, … whose reference answers are all 7."""
    fields = {"stage": stage, "config": {}, "seed": 0, "inputs": {}, "parent": parent}
    runs.begin(store, "eval", run=run, **fields)
    generations = pl.DataFrame(
        {
            "generation_id": [f"p{n}:{run}" for n in range(len(answers))],
            "problem_id": [f"p{n}" for n in range(len(answers))],
            "sample": 0,
            "text": [f"<reasoning>r</reasoning>\n<answer>{a}</answer>" for a in answers],
            "tokens": 5,
            "finish": "stop",
            "seed": 0,
            "settings": "{}",
            "label": None,
            "gold": "7",
            "run": run,
            "stage": stage,
        },
        schema_overrides=TABLES["generations"],
    )
    scores = grade.grade_generations(generations, "strict")
    add_generations(store, generations.drop("gold"), scores, run=run, stage=stage)
    runs.end(store, run, "done", {})
