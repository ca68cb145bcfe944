"""Audit of the graders: where they disagree, which probes they fail, suspect reference answers."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import polars as pl

from data.errors import UserError
from data.numbers import Number, read_answer
from data.progress import Progress
from data.response_format import render
from data.store import Store, ask
from evals.audit.probes import probe_graders
from evals.failures import SUSPECT_SAMPLES
from evals.graders import GRADERS, gold_numbers, targets_of
from evals.scores import GENERATIONS_PER_BATCH, NO_GOLD
from evals.statistics import wilson

EXAMPLES = 3  # of each kind of disagreement
LISTED = 20  # reference answers of each kind that are listed
PROBED = 500  # problems with the first ids, which are hashes: a fixed random choice
# (problem_id, reference answer) -> answers: an id may name other problems in other imports
Answers = dict[tuple[str, frozenset[Number] | None], Counter[Number | None]]
WORDS = {True: "right", False: "wrong", None: "unknown"}


def audit(store: Store, run: str | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """The object of `thinkbench audit graders`, of all stored generations or those of `run`."""
    if (
        run is not None
        and not ask(store, "select 1 from generations where run = $run limit 1", run=run).height
    ):
        raise UserError(
            f"the store has no generations of run {run!r}; expected an evaluation or import."
            " Leave --run out for all of them."
        )
    problems = ask(
        store,
        """
        select problem_id, question, coalesce(gold, $no_gold) as gold from problem_texts
        order by problem_id
        """,
        no_gold=NO_GOLD,
    )
    if problems.is_empty():
        raise UserError(
            "the store has no problems, so there is nothing to grade; ingest and convert some"
            " first: thinkbench ingest samples-gsm8k && thinkbench convert samples-gsm8k"
        )
    cells: Counter[tuple[str, str, str, str]] = Counter()
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    answers: Answers = {}
    total = 0
    for part, done, of in _batches(store, run):
        total += part.height
        for row in part.iter_rows(named=True):
            _count(row, cells, examples, answers)
        if progress:
            progress(done, of, {})
    return {
        "generations": total,
        "problems": problems.height,
        "disagreements": _matrix(cells, examples, total),
        "probes": probe_graders(problems["gold"].head(PROBED).to_list()),
        "unsatisfiable": _unsatisfiable(problems),
        "suspect": _suspect(problems, answers),
    }


def _batches(store: Store, run: str | None) -> Iterator[tuple[pl.DataFrame, int, int]]:
    """Batches of generations with their gold; the number of rows so far, and of all rows."""
    query = """
        select g.generation_id, g.problem_id, g.text, coalesce(g.gold, $no_gold) as gold
        from answered_generations g
        where ($run is null or g.run = $run) and g.generation_id > $after
        order by g.generation_id
        limit $at_a_time
    """
    count = "select count(*) as n from generations where $run is null or run = $run"
    of = ask(store, count, run=run)["n"].item()
    after, done = "", 0
    while True:
        part = ask(
            store, query, run=run, after=after, no_gold=NO_GOLD, at_a_time=GENERATIONS_PER_BATCH
        )
        if part.is_empty():
            return
        after, done = part["generation_id"][-1], done + part.height
        yield part, done, of


def _count(
    row: dict[str, Any],
    cells: Counter[tuple[str, str, str, str]],
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]],
    answers: Answers,
) -> None:
    """Add the verdicts of all graders on one generation to the counts."""
    scores = {name: rule.grade(row["text"], row["gold"]) for name, rule in GRADERS.items()}
    for a, b in combinations(GRADERS, 2):
        key = (a, b, WORDS[scores[a].correct], WORDS[scores[b].correct])
        cells[key] += 1
        of_cell = examples.setdefault(key, [])
        if key[2] != key[3] and len(of_cell) < EXAMPLES:
            of_cell.append(
                {
                    "generation_id": row["generation_id"],
                    "gold": row["gold"],
                    a: scores[a].extracted,
                    b: scores[b].extracted,
                }
            )
    extracted = scores["lenient"].extracted
    value = read_answer(extracted).value if extracted is not None else None
    answers.setdefault((row["problem_id"], _numbers(row["gold"])), Counter())[value] += 1


def _numbers(gold: str) -> frozenset[Number] | None:
    numbers = gold_numbers(gold)
    return None if numbers is None else frozenset(numbers)


def _matrix(
    cells: Counter[tuple[str, str, str, str]],
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]],
    total: int,
) -> list[dict[str, Any]]:
    """Each pair of graders: how often they agree, and their disagreements with examples."""
    rows = []
    for a, b in combinations(GRADERS, 2):
        same = sum(n for key, n in cells.items() if key[:2] == (a, b) and key[2] == key[3])
        different = [
            {"first": key[2], "second": key[3], "n": n, "examples": examples[key]}
            for key, n in cells.most_common()
            if key[:2] == (a, b) and key[2] != key[3]
        ]
        agreement = wilson(same, total).to_json()
        rows.append({"graders": [a, b], "agree": agreement, "apart": different})
    return rows


def _unsatisfiable(problems: pl.DataFrame) -> list[dict[str, Any]]:
    """By grader: reference answers that are graded as wrong when they are given as the answer."""
    rows = []
    for name, rule in GRADERS.items():
        scores = [
            (row, rule.grade(render("I work it out.", target or "-"), target))
            for row in problems.iter_rows(named=True)
            for target in targets_of(row["gold"])
        ]
        bad = [(row, score) for row, score in scores if score.correct is not True]
        listed = [
            {
                "problem_id": row["problem_id"],
                "gold": row["gold"],
                "verdict": WORDS[score.correct],
                "reason": score.reason,
            }
            for row, score in bad[:LISTED]
        ]
        rows.append({"grader": name, "n": len(bad), "of": problems.height, "golds": listed})
    return rows


def _suspect(problems: pl.DataFrame, answers: Answers) -> dict[str, Any]:
    """Problems whose samples, SUSPECT_SAMPLES or more, all agree on another answer than the gold.

    of: problems with that many samples
    """
    suspect = []
    for row in problems.iter_rows(named=True):
        references = _numbers(row["gold"])
        votes = answers.get((row["problem_id"], references), Counter())
        if len(votes) != 1 or votes.total() < SUSPECT_SAMPLES or references is None:
            continue
        [value] = votes
        if value is not None and value not in references:
            suspect.append({**row, "said": str(value), "samples": votes.total()})
    enough = sum(votes.total() >= SUSPECT_SAMPLES for votes in answers.values())
    return {"n": len(suspect), "of": enough, "golds": suspect[:LISTED]}
