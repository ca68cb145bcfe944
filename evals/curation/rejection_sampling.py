"""Rejection sampling: a model's own correct answers as records to train on (arXiv:2308.01825).

They pass through conversion and its audit like any other record, and keep their origin. Answers to
problems of a test split are excluded, because training on them would contaminate the test.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.conversion.convert_source import convert_source
from data.progress import Progress
from data.sources import ingest_rows, own_card
from data.store import BadEntry, Store, ask
from evals.curation.answers import answers_of
from evals.failures.categories import categories
from evals.graders import GRADERS, Score
from evals.rollouts import verdict_grader

PICKS = {
    "shortest": "the fewest tokens, then characters",
    "best": "the fewest findings of evals/failures/categories.py, then the shortest",
}
UNKNOWN_LENGTH = 1 << 40  # [tokens] of a text whose tokens were not counted: longer than any other
# The reference answer of a quarantined problem is not reliable: such problems are excluded.
PROBLEMS = """
select problem_id, question, gold, split <> 'train' as tested
from problem_texts semi join current_problems using (problem_id)
"""


@dataclass(frozen=True)
class RejectionSample:
    """The chosen answers as rows of shape `completion`, and the counts of all answers read.

    read = test + unknown + wrong + doubled + beyond + len(rows)
    test:    answers to problems of a test or validation split, quarantined or missing ones
    unknown: the verdict is undecided       doubled: the same text for the same problem again
    beyond:  correct, but more than `per_problem` of their problem
    """

    rows: list[dict[str, Any]]
    read: int
    test: int
    unknown: int
    wrong: int
    doubled: int
    beyond: int

    def counts(self) -> dict[str, int]:
        numbers = {name: value for name, value in vars(self).items() if name != "rows"}
        return numbers | {"kept": len(self.rows)}


def rejection_sample(
    store: Store,
    runs: Sequence[str],
    pick: str = "shortest",
    per_problem: int = 1,
    progress: Progress | None = None,
) -> RejectionSample:
    """The best correct answers of `runs` (generations and rollouts) to each train problem.

    Correct by the current version of `strict`, of imported rollouts by the grader that fits them.
    pick: of PICKS
    """
    if pick not in PICKS:
        raise BadEntry(f"there is no pick {pick!r}; expected one of {', '.join(PICKS)}.")
    problems = {row["problem_id"]: row for row in ask(store, PROBLEMS).iter_rows(named=True)}
    best: dict[str, list[tuple[Any, ...]]] = {}
    seen: set[bytes] = set()
    counts = dict.fromkeys(("read", "test", "unknown", "wrong", "doubled"), 0)
    for run in runs:
        rule = GRADERS[verdict_grader(store, run)]
        for row in answers_of(store, run, progress):
            counts["read"] += 1
            problem = problems.get(row["problem_id"])
            if problem is None or problem["tested"]:
                counts["test"] += 1
                continue
            gold = problem["gold"]
            score = None if gold is None else rule.grade(row["text"], gold)
            if score is None or score.correct is not True:
                counts["unknown" if score is None or score.correct is None else "wrong"] += 1
            elif (key := _identity(row)) in seen:
                counts["doubled"] += 1
            else:
                seen.add(key)
                cost = _cost(row, problem, score, pick)
                of_problem = best.setdefault(row["problem_id"], [])
                of_problem.append((cost, _record(row, problem, run)))
                of_problem.sort(key=lambda entry: entry[0])
                del of_problem[per_problem:]
    rows = [record for problem in sorted(best) for _, record in best[problem]]
    correct = counts["read"] - sum(counts[n] for n in ("test", "unknown", "wrong", "doubled"))
    return RejectionSample(rows, **counts, beyond=correct - len(rows))


def _identity(row: dict[str, Any]) -> bytes:
    """A hash of problem and text: the texts of a million answers would take gigabytes."""
    content = f"{row['problem_id']}\0{row['text']}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()


def add_rejection_sample(
    store: Store,
    name: str,
    runs: Sequence[str],
    pick: str = "shortest",
    per_problem: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ingest and convert the sample as the source `name`; the object of `thinkbench subset own`."""
    sample = rejection_sample(store, runs, pick, per_problem, progress)
    if not sample.rows:
        raise BadEntry(
            f"there is no correct answer to a train problem ({sample.counts()}). Name a GRPO run,"
            " or an import of answers to train problems."
        )
    origin = f"{pick}-{per_problem}-of-{'-and-'.join(runs)}"
    card = own_card(name, origin, "completion")
    ingested = ingest_rows(store, card, sample.rows, split="train")
    converted = convert_source(store, name)
    return {
        "source": name,
        "runs": list(runs),
        "pick": pick,
        "per_problem": per_problem,
        **sample.counts(),
        "new": ingested["new"],
        "converted": converted["converted"],
        "quarantined": converted["quarantined"],
    }


def _cost(row: dict[str, Any], problem: dict[str, Any], score: Score, pick: str) -> Any:
    """Sort key of an answer: the smallest is chosen."""
    tokens = UNKNOWN_LENGTH if row["tokens"] is None else row["tokens"]
    length = (tokens, len(row["text"]), row["text"])
    if pick == "shortest":
        return length
    text, question, gold = row["text"], problem["question"], problem["gold"]
    lenient = GRADERS["lenient"].grade(text, gold)
    return (len(categories(text, question, gold, row["finish"], score, lenient)), *length)


def _record(row: dict[str, Any], problem: dict[str, Any], run: str) -> dict[str, Any]:
    return {
        "prompt": problem["question"],
        "completion": row["text"],
        "problem_id": row["problem_id"],
        "run": run,
        "made_by": row["made_by"],
    }
