"""Generations made elsewhere become a run of the store: its problems, texts, labels and scores."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import (
    TABLES,
    RunExists as RunExists,
    Store,
    add,
    add_generations,
    ask,
    checked_name,
    files,
    runs,
)
from evals.failures import categorise_missing
from evals.imports.formats import EXPECTED, generations_of
from evals.imports.records import Found, Generation, Rejection, Repeated
from evals.scores import grade_generations

GRADER = "lenient"  # others answer in formats of their own
AT_A_TIME = 5_000  # generations written as one part


def import_file(store: Store, path: Path, name: str) -> dict[str, Any]:
    """Read `path` as the run `name`; the object of `thinkbench import`.

    read = imported + rejected, and + repeated where a file says a generation once for each of
    several filters. A line with several texts counts as so many. Rejected lines are kept in the
    store with their reasons. An import that was cut off goes on where it was. The generations are
    graded by `lenient`.
    """
    checked_name("run", name)
    kept, rejected, repeated = _sorted_out(generations_of(path))
    if not kept:
        first = rejected[0]
        raise UserError(
            f"{path} holds no generation; of {len(rejected)} the first is line {first.line}: "
            f"{first.reason}. {EXPECTED} Mend the file."
        )
    runs.begin(
        store,
        "import",
        run=name,
        config={"file": path.name, "grader": GRADER},
        seed=None,
        inputs={"file": _content_hash(path)},
    )
    with runs.failures_recorded(store, name):
        kept = _with_problems(store, name, kept)
        for stage in sorted({row.stage for row in kept}):
            _add_stage(store, name, stage, [row for row in kept if row.stage == stage])
        categorise_missing(store, name)
    summary: dict[str, Any] = {
        "run": name,
        "read": len(kept) + len(rejected) + repeated,
        "imported": len(kept),
        "rejected": len(rejected),
    }
    if repeated:
        summary["repeated"] = repeated
    if rejected:
        summary["rejections"] = _keep(store, f"imports/{name}/rejected.jsonl", rejected)
    runs.end(store, name, "done", summary)
    return summary


def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sorted_out(rows: Iterable[Found]) -> tuple[list[Generation], list[Rejection], int]:
    """Each generation once, what is rejected, and how often one was repeated.

    One of the same stage, problem and sample as another is rejected.
    """
    kept: dict[tuple[str, str, str, str, int], Generation] = {}
    rejected, repeated = [], 0
    for row in rows:
        if isinstance(row, Rejection):
            rejected.append(row)
            continue
        if isinstance(row, Repeated):
            repeated += 1
            continue
        key = (row.stage, row.problem_id, row.question, row.gold, row.sample)
        if key in kept:
            reason = "same stage, problem and sample as another; number the samples"
            content = json.dumps(asdict(row), ensure_ascii=False)
            rejected.append(Rejection(row.line, reason, content))
        else:
            kept[key] = row
    return list(kept.values()), rejected, repeated


def _with_problems(store: Store, run: str, rows: list[Generation]) -> list[Generation]:
    """`rows` with the ids that their problems have in the store, which gets those it lacks.

    A question that the store knows, with the same gold, is that problem, so that runs can be
    compared on it. An id that stands for another problem there gets a suffix.
    """
    known = ask(
        store,
        """
        select problem_id, question, gold
        from problems
        where question in (select unnest($questions))
            or problem_id in (select unnest($ids))
        order by run = $run, problem_id
        """,
        questions=list({row.question for row in rows}),
        ids=list({row.problem_id for row in rows}),
        run=run,
    )
    problems = {_problem(row): row for row in rows}
    ids = _ids(list(problems), list(known.iter_rows()))
    there = set(known["problem_id"])
    _add_problems(store, run, {id: problems[p] for p, id in ids.items() if id not in there})
    return [replace(row, problem_id=ids[_problem(row)]) for row in rows]


def _problem(row: Generation) -> tuple[str, str, str]:
    return row.problem_id, row.question, row.gold


def _ids(
    problems: list[tuple[str, str, str]], known: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """The id in the store of each (problem_id, question, gold); no two get the same one."""
    by_content = {(question, gold): id for id, question, gold in reversed(known)}
    names = {id for id, _, _ in known}
    exact = set(problems) & set(known)
    ids = {problem: problem[0] for problem in problems if problem in exact}
    taken = set(ids.values())
    for problem in problems:
        if problem in ids:
            continue
        id = by_content.get(problem[1:])
        if id is None or id in taken:
            id = problem[0]
            if id in names or id in taken:
                id = f"{id}-{runs.fingerprint(problem=list(problem))[:8]}"
        ids[problem] = id
        taken.add(id)
    return ids


def _add_problems(store: Store, run: str, new: dict[str, Generation]) -> None:
    problems = [
        {
            "problem_id": problem_id,
            "source": run,
            "split": "test",
            "question": row.question,
            "gold": row.gold,
        }
        for problem_id, row in new.items()
    ]
    schema = {name: dtype for name, dtype in TABLES["problems"].items() if name != "run"}
    once = runs.fingerprint(problems=sorted(new))
    add(store, "problems", pl.DataFrame(problems, schema=schema), run=run, once=once)


def _add_stage(store: Store, run: str, stage: str, rows: list[Generation]) -> None:
    schema = {**TABLES["generations"], "gold": pl.String}
    generations = pl.DataFrame(
        [
            {
                "generation_id": f"{row.problem_id}:{row.sample:03d}:{run}:{stage}",
                "run": run,
                "stage": stage,
                "problem_id": row.problem_id,
                "sample": row.sample,
                "text": row.text,
                "tokens": row.tokens,
                "finish": row.finish,
                "label": row.label,
                "gold": row.gold,
            }
            for row in rows
        ],
        schema=schema,
    )
    there = ask(store, "select generation_id from generations where run = $run", run=run)
    # cut before what is there is left out, so that two who import at once write the same parts
    for whole in generations.iter_slices(AT_A_TIME):
        part = whole.join(there, on="generation_id", how="anti")
        once = runs.fingerprint(generations=part["generation_id"].to_list())
        scores = grade_generations(part, GRADER)
        add_generations(store, part.drop("gold"), scores, run=run, stage=stage, once=once)


def _keep(store: Store, path: str, rejected: list[Rejection]) -> str:
    lines = "".join(f"{json.dumps(asdict(row), ensure_ascii=False)}\n" for row in rejected)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode("utf-8", "replace"))])
    return str(store.folder / path)
