"""The problems of an import: each is stored with the run, under the id that others have it by."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import polars as pl

from data.store import TABLES, Store, add, ask, fingerprint
from evals.imports.problem_ids import Problem, problem_ids
from evals.imports.records import Generation

NO_LETTER = r"[^\p{L}\p{N}]+"


class HasProblem(Protocol):
    """What has a problem: a generation, or the problem of rollouts."""

    @property
    def problem_id(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def gold(self) -> str: ...


def with_problems(store: Store, run: str, rows: list[Generation]) -> list[Generation]:
    """`rows` with the ids that their problems have in the store; adds the problems of the run."""
    ids = ids_of_problems(store, run, rows, split="test")
    return [replace(row, problem_id=ids[_problem(row)]) for row in rows]


def ids_of_problems(
    store: Store, run: str, rows: Sequence[HasProblem], split: str
) -> dict[Problem, str]:
    """The id in the store of each problem of `rows`; adds the problems of the run.

    A problem with the question and the reference answer of one in the store has the id of that one,
    so that runs can be compared on it. An id that another problem in the store has gets a suffix.
    The run stores all its problems nevertheless: it is graded by its own reference answers,
    whatever becomes of other runs.
    """
    # more than are the same: questions are compared here without blanks and signs
    stored = ask(
        store,
        """
        with letters as (
            select regexp_replace(nfc_normalize(unnest($questions)), $no_letter, '', 'g')
                as question
        )
        select problem_id, question, gold, run = $run as own, record_id is not null as of_record
        from problems
        where regexp_replace(nfc_normalize(question), $no_letter, '', 'g')
                in (select question from letters)
            or problem_id in (select unnest($ids))
        order by own desc, of_record desc, problem_id
        """,
        questions=list({row.question for row in rows}),
        ids=list({row.problem_id for row in rows}),
        no_letter=NO_LETTER,
        run=run,
    )
    problems = {_problem(row): row for row in rows}
    own, foreign = ([] for _ in range(2))
    for problem_id, question, gold, is_own, _ in stored.iter_rows():
        (own if is_own else foreign).append((problem_id, question, gold))
    ids = problem_ids(list(problems), own, foreign)
    new = {
        key: (problems[problem].question, problems[problem].gold) for problem, key in ids.items()
    }
    add_problems(store, run, new, split)
    return ids


def _problem(row: HasProblem) -> Problem:
    return row.problem_id, row.question, row.gold


def add_problems(
    store: Store, run: str, new: Mapping[str, tuple[str, str | None]], split: str
) -> None:
    """Store problems with the run. new: id -> question, and reference answer if it is known"""
    problems: list[dict[str, Any]] = [
        {"problem_id": key, "source": run, "split": split, "question": question, "gold": gold}
        for key, (question, gold) in new.items()
    ]
    schema = {name: dtype for name, dtype in TABLES["problems"].items() if name != "run"}
    once = fingerprint(problems=sorted(new))
    add(store, "problems", pl.DataFrame(problems, schema=schema), run=run, once=once)
