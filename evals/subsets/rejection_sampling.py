"""A model's own right answers as records to learn from (rejection sampling, arXiv:2308.01825).

They go through conversion and its audit like any other record, and keep where they came from.
Answers to problems of a test split are no records: training on them would spoil the test.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.conversion.convert_source import convert_source
from data.progress import Progress
from data.sources.ingest import ingest
from data.store import BadEntry, Store, ask, runs as known_runs, within
from evals.failures.categories import categories
from evals.graders import GRADERS, Score
from evals.rollouts import read as rollouts
from evals.scores import UnknownRun

PICKS = {
    "shortest": "the fewest tokens, then characters",
    "best": "the fewest findings of evals/failures/categories.py, then the shortest",
}
AT_A_TIME = 20_000  # generations with their texts in memory
# A problem that was quarantined has a reference answer that is not to be trusted.
PROBLEMS = """
select problem_id, question, gold, split = 'test' as tested
from problem_texts semi join current_problems using (problem_id)
"""


@dataclass(frozen=True)
class Own:
    """Rows of shape `completion`, and what became of all that were looked at.

    read = test + unknown + wrong + doubled + beyond + len(rows)
    test:    answers to problems of a test split, or of problems that do not count: quarantined, or
             lost by the store
    unknown: the verdict could not be decided     doubled: the same text to the same problem again
    beyond:  right, and more than are wanted of their problem
    """

    rows: list[dict[str, Any]]
    read: int
    test: int
    unknown: int
    wrong: int
    doubled: int
    beyond: int

    def counts(self) -> dict[str, int]:
        kept = {name: value for name, value in vars(self).items() if name != "rows"}
        return kept | {"kept": len(self.rows)}


def own(
    store: Store,
    runs: Sequence[str],
    pick: str = "shortest",
    per_problem: int = 1,
    progress: Progress | None = None,
) -> Own:
    """The best right answers of `runs`, generations and rollouts, to each train problem.

    Right is what `strict` says now. pick: of PICKS
    """
    if pick not in PICKS:
        raise BadEntry(f"there is no pick {pick!r}; expected one of {', '.join(PICKS)}.")
    problems = {row["problem_id"]: row for row in ask(store, PROBLEMS).iter_rows(named=True)}
    kept: dict[str, list[tuple[Any, ...]]] = {}
    seen: set[tuple[str, str]] = set()
    counts = dict.fromkeys(("read", "test", "unknown", "wrong", "doubled"), 0)
    for run in runs:
        for row in _texts(store, run, progress):
            counts["read"] += 1
            problem = problems.get(row["problem_id"])
            if problem is None or problem["tested"]:
                counts["test"] += 1
                continue
            score = GRADERS["strict"].grade(row["text"], problem["gold"])
            if score.correct is not True:
                counts["unknown" if score.correct is None else "wrong"] += 1
            elif (key := (row["problem_id"], row["text"])) in seen:
                counts["doubled"] += 1
            else:
                seen.add(key)
                cost = _cost(row, problem, score, pick)
                of_problem = kept.setdefault(row["problem_id"], [])
                of_problem.append((cost, _record(row, problem, run)))
                of_problem.sort(key=lambda entry: entry[0])
                del of_problem[per_problem:]
    rows = [record for problem in sorted(kept) for _, record in kept[problem]]
    right = counts["read"] - sum(counts[n] for n in ("test", "unknown", "wrong", "doubled"))
    return Own(rows, **counts, beyond=right - len(rows))


def add_own(
    store: Store,
    name: str,
    runs: Sequence[str],
    pick: str = "shortest",
    per_problem: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ingest and convert `own` as the source `name`; the object of `thinkbench subset own`."""
    found = own(store, runs, pick, per_problem, progress)
    if not found.rows:
        raise BadEntry(
            f"no right answer to a train problem was found ({found.counts()}). Name a GRPO run, or"
            " an import of answers to train problems."
        )
    with tempfile.TemporaryDirectory() as folder:
        # the file's name is what their records say of where they came from
        file = Path(folder, f"{pick}-{per_problem}-of-{'-and-'.join(runs)}"[:120] + ".jsonl")
        lines = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in found.rows)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        read = ingest(store, name, file, "completion")
    converted = convert_source(store, name)
    return {
        "source": name,
        "runs": list(runs),
        "pick": pick,
        "per_problem": per_problem,
        **found.counts(),
        "new": read["new"],
        "converted": converted["converted"],
        "quarantined": converted["quarantined"],
    }


def _cost(row: dict[str, Any], problem: dict[str, Any], score: Score, pick: str) -> Any:
    tokens = row["tokens"] if row["tokens"] is not None else 1 << 40
    length = (tokens, len(row["text"]), row["text"])
    if pick == "shortest":
        return length
    texts = (row["text"], problem["question"], problem["gold"])
    found = categories(*texts, row["finish"], score, GRADERS["lenient"].grade(*texts[::2]))
    return (len(found), *length)


def _record(row: dict[str, Any], problem: dict[str, Any], run: str) -> dict[str, Any]:
    return {
        "prompt": problem["question"],
        "completion": row["text"],
        "problem_id": row["problem_id"],
        "run": run,
        "made_by": row["made_by"],
    }


def _texts(store: Store, run: str, progress: Progress | None) -> Iterator[dict[str, Any]]:
    """problem_id, text, tokens, finish, made_by: generations or rollouts of `run`, in order."""
    known = known_runs.state(store, run)
    if known is None:
        raise UnknownRun(f"there is no run {run!r}. Name a GRPO run, an evaluation or an import.")
    columns = ("problem_id", "text", "tokens", "finish", "made_by")
    if known["kind"] == "grpo":
        place = pl.format("step {}, group {}, sample {}", "step", "group", "sample")
        for page in rollouts.pages(store, run, progress):
            yield from page.with_columns(made_by=place).select(columns).iter_rows(named=True)
        return
    last = ""
    while True:
        page = ask(
            within(store, [run]),
            """
            select generation_id, problem_id, text, tokens, finish, generation_id as made_by
            from generations where run = $run and generation_id > $last
            order by generation_id limit $at_a_time
            """,
            run=run,
            last=last,
            at_a_time=AT_A_TIME,
        )
        if page.is_empty():
            return
        last = page["generation_id"][-1]
        yield from (
            page.unique("generation_id", maintain_order=True).select(columns).iter_rows(named=True)
        )
