"""Rows that differ in every facet of the browser, and what a filter finds among them."""

import itertools

from data.store.schema import TABLES
from data.store.store import add, add_generations
from evals.failures.categories import VERSION
from evals.graders.rules import GRADERS
from tests.support.store_rows import rows_of
from workbench.app.browse.filter import FACETS, Filter
from workbench.app.browse.index import Index, new_index, refresh

NAMES = ("near miss", "two answers", "token limit")
PROBLEMS = [f"p{n}" for n in range(6)]
TOKENS = [10, 64, 127, 4096, None, 300]


def evaluated(store, run: str, stage: str, samples: int = 2) -> list[dict]:
    """Add a run whose rows differ in every facet; the rows as queries should return them."""
    rows = []
    for nth, (problem, sample) in enumerate(itertools.product(PROBLEMS, range(samples))):
        number = nth + len(run)
        rows.append(
            {
                "generation_id": f"{problem}:{sample}:{run}",
                "problem_id": problem,
                "sample": sample,
                "text": f"text {number} of {run}",
                "tokens": TOKENS[number % len(TOKENS)],
                "finish": ["stop", "length", None][number % 3],
                "correct": [True, False, None][number % 3],
                "format": [True, False][number % 2],
                "names": [list(NAMES[: number % 4]), None][number % 5 == 4],
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    texts = rows_of("generations", **{k: v for k, v in columns.items() if k in
                                      TABLES["generations"]})  # fmt: skip
    n = len(rows)
    scores = rows_of(
        "scores", grader=["strict"] * n, grader_version=[GRADERS["strict"].version] * n,
        **{k: v for k, v in columns.items() if k in TABLES["scores"]},
    )  # fmt: skip
    add_generations(store, texts, scores, run=run, stage=stage)
    seen = [row for row in rows if row["names"] is not None]
    failures = rows_of(
        "failures",
        generation_id=[row["generation_id"] for row in seen],
        problem_id=[row["problem_id"] for row in seen],
        version=[VERSION] * len(seen),
        categories=[[{"name": name, "start": 0, "end": 1} for name in row["names"]]
                    for row in seen],
    )  # fmt: skip
    add(store, "failures", failures, run=run, stage=stage)
    return [row | {"run": run, "stage": stage} for row in rows]


def values_of(row: dict, facet: str) -> set[str]:
    """The values of one facet that a row has, in the words of browse/filter.py."""
    yes = {True: 1, False: 0, None: 2}
    tokens = row["tokens"]
    if facet in ("run", "stage"):
        return {row[facet]}
    if facet == "correct":
        return {("wrong", "right", "unknown")[yes[row["correct"]]]}
    if facet == "format":
        return {("not in format", "in format", "unknown")[yes[row["format"]]]}
    if facet == "finish":
        return {row["finish"] or "unknown"}
    if facet == "category":
        if row["correct"]:
            return {"nothing found"}  # a correct row has no errors, looked at or not
        if row["names"] is None:
            return {"not looked at"}
        return set(row["names"]) or {"nothing found"}
    if facet == "length":
        named = {10: "under 64", 64: "64 to 127", 127: "64 to 127", 300: "256 to 511",
                 4096: "4096 and more", None: "unknown"}  # fmt: skip
        return {named[tokens]}
    if facet == "steps":
        return {"unknown" if row["problem_id"] == "p5" else str(int(row["problem_id"][1]) % 3)}
    if facet == "source":
        return {"unknown" if row["problem_id"] == "p5" else "mine"}
    return set()


def fits(row: dict, where: Filter, but: str | None = None) -> bool:
    return where.text in row["text"] and all(
        values_of(row, facet) & set(where.of(facet))
        for facet in FACETS
        if facet != but and where.of(facet)
    )


def filled(store) -> tuple[list[dict], Index]:
    rows = evaluated(store, "eval-base", "base") + evaluated(store, "eval-sft-1", "sft", 3)
    stored = PROBLEMS[:5]
    problems = rows_of("problems", problem_id=stored, question=stored, gold=["7"] * 5,
                       steps=[n % 3 for n in range(5)], source=["mine"] * 5)  # fmt: skip
    add(store, "problems", problems, run="ingest")
    index = new_index("strict")
    refresh(index, store)
    return rows, index


FILTERS = (
    Filter(),
    Filter(chosen={"stage": ("sft",)}),
    Filter(chosen={"stage": ("sft",), "correct": ("wrong", "unknown")}),
    Filter(chosen={"category": ("near miss", "nothing found"), "format": ("in format",)}),
    Filter(chosen={"category": ("not looked at",)}),
    Filter(chosen={"steps": ("1", "unknown"), "length": ("64 to 127", "unknown")}),
    Filter(chosen={"source": ("mine",), "finish": ("length",)}, text="of eval-sft"),
    Filter(chosen={"run": ("nowhere",)}),
)
