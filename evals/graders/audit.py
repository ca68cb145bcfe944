"""The audit of graders: where they disagree, what they cannot see, and which golds are to doubt."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.response_format import render
from data.store import Store, ask
from evals.failures import SUSPECT
from evals.graders.numbers import Number, read
from evals.graders.probes import probed
from evals.graders.rules import GRADERS, gold_number
from evals.scores import AT_A_TIME, NO_GOLD
from evals.statistics import wilson

EXAMPLES = 3  # of each kind of disagreement
LISTED = 20  # golds of each kind that are named
PROBED = 500  # golds that the probes are made of, by id, which are hashes: a fixed choice
WORDS = {True: "right", False: "wrong", None: "unknown"}


def audit(store: Store, run: str | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """The object of `thinkbench audit graders`: of all stored generations, or those of `run`."""
    problems = ask(
        store,
        """
        select problem_id, any_value(question) as question, any_value(gold) as gold
        from problems group by problem_id order by problem_id
        """,
    )
    if problems.is_empty():
        raise UserError(
            "the store has no problems, so there is nothing to grade; ingest and convert some"
            " first: thinkbench ingest samples-gsm8k && thinkbench convert samples-gsm8k"
        )
    cells: Counter[tuple[str, str, str, str]] = Counter()
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    said: dict[str, Counter[Number | None]] = {}
    total = 0
    for part, upto, of in _parts(store, run):
        total += part.height
        for row in part.iter_rows(named=True):
            _compare(row, cells, examples, said)
        if progress:
            progress(upto, of, {})
    return {
        "generations": total,
        "problems": problems.height,
        "disagreements": _matrix(cells, examples, total),
        "probes": probed(problems["gold"].head(PROBED).to_list()),
        "unsatisfiable": _unsatisfiable(problems),
        "suspect": _suspect(problems, said),
    }


def _parts(store: Store, run: str | None) -> Iterator[tuple[pl.DataFrame, int, int]]:
    """The generations with their gold, a part at a time; how many came, and how many there are."""
    query = """
        select g.generation_id, g.problem_id, g.text, coalesce(p.gold, $no_gold) as gold
        from generations g left join (
            select problem_id, any_value(gold) as gold from problems group by problem_id
        ) p using (problem_id)
        where ($run is null or g.run = $run) and g.generation_id > $after
        order by g.generation_id
        limit $at_a_time
    """
    count = "select count(*) as n from generations where $run is null or run = $run"
    of = ask(store, count, run=run)["n"].item()
    after, upto = "", 0
    while True:
        part = ask(store, query, run=run, after=after, no_gold=NO_GOLD, at_a_time=AT_A_TIME)
        if part.is_empty():
            return
        after, upto = part["generation_id"][-1], upto + part.height
        yield part, upto, of


def _compare(
    row: dict[str, Any],
    cells: Counter[tuple[str, str, str, str]],
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]],
    said: dict[str, Counter[Number | None]],
) -> None:
    """Add one generation to the counts."""
    scores = {name: rule.grade(row["text"], row["gold"]) for name, rule in GRADERS.items()}
    for a, b in combinations(GRADERS, 2):
        key = (a, b, WORDS[scores[a].correct], WORDS[scores[b].correct])
        cells[key] += 1
        held = examples.setdefault(key, [])
        if key[2] != key[3] and len(held) < EXAMPLES:
            held.append(
                {
                    "generation_id": row["generation_id"],
                    "gold": row["gold"],
                    a: scores[a].extracted,
                    b: scores[b].extracted,
                }
            )
    extracted = scores["lenient"].extracted
    value = read(extracted).value if extracted is not None else None
    said.setdefault(row["problem_id"], Counter())[value] += 1


def _matrix(
    cells: Counter[tuple[str, str, str, str]],
    examples: dict[tuple[str, str, str, str], list[dict[str, Any]]],
    total: int,
) -> list[dict[str, Any]]:
    """Each pair of graders: how often they say the same, and what else with examples."""
    found = []
    for a, b in combinations(GRADERS, 2):
        same = sum(n for key, n in cells.items() if key[:2] == (a, b) and key[2] == key[3])
        apart = [
            {"first": key[2], "second": key[3], "n": n, "examples": examples[key]}
            for key, n in cells.most_common()
            if key[:2] == (a, b) and key[2] != key[3]
        ]
        agreement = wilson(same, total).to_json()
        found.append({"graders": [a, b], "agree": agreement, "apart": apart})
    return found


def _unsatisfiable(problems: pl.DataFrame) -> list[dict[str, Any]]:
    """By grader: golds that even the gold itself, in the format, does not satisfy."""
    found = []
    for name, rule in GRADERS.items():
        scores = [
            (row, rule.grade(render("I work it out.", row["gold"] or "-"), row["gold"]))
            for row in problems.iter_rows(named=True)
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
        found.append({"grader": name, "n": len(bad), "of": problems.height, "golds": listed})
    return found


def _suspect(problems: pl.DataFrame, said: dict[str, Counter[Number | None]]) -> dict[str, Any]:
    """Problems on which all samples, SUSPECT or more, agree on another answer than the gold."""
    doubted = []
    for row in problems.iter_rows(named=True):
        votes = said.get(row["problem_id"], Counter())
        right = gold_number(row["gold"])
        if len(votes) != 1 or votes.total() < SUSPECT or right is None:
            continue
        [value] = votes
        if value is not None and value != right:
            doubted.append({**row, "said": str(value), "samples": votes.total()})
    asked = sum(votes.total() >= SUSPECT for votes in said.values())
    return {"n": len(doubted), "of": asked, "golds": doubted[:LISTED]}
