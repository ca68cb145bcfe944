"""Import of a file of generations as a run: its problems, texts, labels and scores."""

import hashlib
import json
from collections.abc import Hashable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import (
    IMPORT,
    IMPORTED_ROLLOUTS,
    TABLES,
    RunExists as RunExists,
    Store,
    add_generations,
    ask,
    files,
    runs,
)
from data.store.files import locked
from data.store.parts import checked_name
from evals.comparison import train_problem_ids
from evals.failures import categorise_missing
from evals.imports import inspect_ai
from evals.imports.formats import EXPECTED, generations_of
from evals.imports.problems import with_problems
from evals.imports.records import Generation, Record, Rejection, Repeated, stage_names
from evals.scores import (
    content_of_problem,
    fitting_graders,
    grade_generations,
    grade_missing,
    import_graders,
)

GENERATIONS_PER_PART = 5_000  # written as one part
RESERVED = "tiny"  # names the bundled model where a command takes a run or a model
PROBLEMS = "problems"  # lock: one import at a time gives ids to problems


def import_file(store: Store, path: Path, name: str) -> dict[str, Any]:
    """Import `path` as the run `name`; the object of `thinkbench import`.

    read = imported + rejected + repeated, where repeated counts generations that a file has once
    per filter. A line with several texts counts once per text. Rejected lines are stored with their
    reasons. An interrupted import resumes. The generations are graded by the graders that fit their
    texts and reference answers, and by the default one; the summary names them, the best first.
    log: of Inspect AI that is not whole, its status and number of samples
    train_problems: how many of the problems are train problems, if any are
    """
    checked_name("run", name)
    refuse_reserved(name)
    digest = _content_hash(path) if path.is_file() else ""
    generations, rejected, repeated = _classify(generations_of(path))
    if not generations:
        first = rejected[0]
        raise UserError(
            f"{path} has no usable generation; the first of {len(rejected)} rejected is line"
            f" {first.line}: {first.reason}. {EXPECTED} Fix the file."
        )
    with locked(store.folder / "imports" / name):
        _refuse_another(store, name, path, digest)
        return _import(store, path, name, digest, (generations, rejected, repeated))


def refuse_reserved(name: str) -> None:
    if name == RESERVED:
        raise UserError(f"{name!r} names the bundled model. Choose another name for the run.")


def _refuse_another(store: Store, name: str, path: Path, digest: str) -> None:
    """Refuse to complete, with the rows of `path`, a run that something else has begun."""
    if _content_hash(path) != digest:
        raise UserError(f"{path} changed while it was read. Run the same command again.")
    refuse_unfinished(store, name, path, {"file": digest})


def refuse_unfinished(store: Store, name: str, path: Path, inputs: dict[str, str]) -> None:
    """Refuse a run of this name that other `inputs` have begun, and not finished."""
    state = runs.state(store, name)
    if state is None or state["event"] == "done" or state["inputs"] == inputs:
        return
    begun_by = (
        f"the import of another file, {state['config'].get('file') or state['config'].get('path')}"
        if state["kind"] in (IMPORT, IMPORTED_ROLLOUTS)
        else f"the command {state['kind']}"
    )
    raise UserError(
        f"run {name!r} was begun by {begun_by}, and is not finished; {path} cannot complete it."
        f" Finish that first, choose another --name, or delete it: thinkbench store delete {name}"
    )


def _import(
    store: Store,
    path: Path,
    name: str,
    digest: str,
    records: tuple[list[Generation], list[Rejection], int],
) -> dict[str, Any]:
    generations, rejected, repeated = records
    fitting = fitting_graders((row.text for row in generations), (row.gold for row in generations))
    runs.begin(
        store,
        "import",
        run=name,
        config={"file": path.name, "graders": list(fitting)},
        seed=None,
        inputs={"file": digest},
    )
    with runs.failures_recorded(store, name):
        with files.exclusive(store.folder, PROBLEMS):
            generations = with_problems(store, name, generations)
        stages = stage_names(row.stage for row in generations)
        generations = [replace(row, stage=stages[row.stage]) for row in generations]
        for stage in sorted(set(stages.values())):
            of_stage = [row for row in generations if row.stage == stage]
            _add_stage(store, name, stage, of_stage, fitting[0])
        for grader in import_graders(fitting)[1:]:
            grade_missing(store, name, grader)
        categorise_missing(store, name)
        of_train = train_problem_ids(store, name)
    summary: dict[str, Any] = {
        "run": name,
        "read": len(generations) + len(rejected) + repeated,
        "imported": len(generations),
        "rejected": len(rejected),
        "graders": list(fitting),
    }
    if inspect_ai.is_log(path) and (ended := inspect_ai.how_it_ended(path, summary["read"])):
        summary["log"] = ended
    if of_train:
        summary["train_problems"] = len(of_train)
    if repeated:
        summary["repeated"] = repeated
    if rejected:
        summary["rejections"] = _write_rejections(store, f"imports/{name}/rejected.jsonl", rejected)
    runs.end(store, name, "done", summary)
    return summary


def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _classify(rows: Iterable[Record]) -> tuple[list[Generation], list[Rejection], int]:
    """The generations, the rejections, and the number of repetitions.

    A generation with the same stage, problem and sample as an earlier one is rejected. Where a file
    writes a problem in two ways (72 and 72.0), it is one, as its first row has it.
    """
    generations: dict[tuple[Hashable, ...], Generation] = {}
    problems: dict[tuple[Hashable, ...], Generation] = {}
    rejected, repeated = [], 0
    for row in rows:
        if isinstance(row, Rejection):
            rejected.append(row)
            continue
        if isinstance(row, Repeated):
            repeated += 1
            continue
        problem = (row.problem_id, *content_of_problem(row.question, row.gold))
        key = (row.stage, row.sample, *problem)
        if key in generations:
            reason = "same stage, problem and sample as another; number the samples"
            content = json.dumps(asdict(row), ensure_ascii=False)
            rejected.append(Rejection(row.line, reason, content))
        else:
            first = problems.setdefault(problem, row)
            generations[key] = replace(row, question=first.question, gold=first.gold)
    return list(generations.values()), rejected, repeated


def _add_stage(store: Store, run: str, stage: str, rows: list[Generation], grader: str) -> None:
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
    existing = ask(store, "select generation_id from generations where run = $run", run=run)
    # slice first and drop existing rows then, so that two concurrent imports write the same parts
    for batch in generations.iter_slices(GENERATIONS_PER_PART):
        part = batch.join(existing, on="generation_id", how="anti")
        once = runs.fingerprint(rows=part.select("generation_id", "text", "label").rows())
        scores = grade_generations(part, grader)
        add_generations(store, part.drop("gold"), scores, run=run, stage=stage, once=once)


def _write_rejections(store: Store, path: str, rejected: list[Rejection]) -> str:
    lines = "".join(f"{json.dumps(asdict(row), ensure_ascii=False)}\n" for row in rejected)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode("utf-8", "replace"))])
    return str(store.folder / path)
