"""Import of a rollout log as a run: its rollouts, their origins, and its problems."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.progress import Progress, no_progress
from data.store import IMPORTED_ROLLOUTS, TABLES, Store, add, ask, files, runs
from data.store.files import locked
from data.store.parts import checked_name
from evals.imports import PROBLEMS, refuse_reserved, refuse_unfinished
from evals.imports.rollout_logs.coverage import coverage
from evals.imports.rollout_logs.files import hash_of, log_files
from evals.imports.rollout_logs.formats import LogFormat, format_of
from evals.imports.rollout_logs.problems import problem_ids_of_log
from evals.imports.rollout_logs.records import HELD_OUT, TRAIN, Decode
from evals.imports.rollout_logs.staging import StagedLog, stage
from evals.imports.rollout_logs.steps import rows_of_step
from evals.scores import fitting_graders

ROLLOUTS_PER_PART = 10_000
SAMPLED = 500  # rollouts by which the graders that fit are chosen
ORIGINS = "rollout_origins"


@dataclass
class _Counts:
    """What was written so far. first: texts and problem ids of the first rollouts"""

    rollouts: int = 0
    groups: int = 0
    recomputed: Counter[str] = field(default_factory=Counter)
    without_gold: int = 0
    discarded: int = 0
    group_sizes: Counter[int] = field(default_factory=Counter)
    first: list[tuple[str, str]] = field(default_factory=list)


def import_rollouts(
    store: Store,
    path: Path,
    name: str,
    log_format: str | None = None,
    decode: Decode | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Import the rollouts at `path` as the run `name`; the object of `thinkbench import-rollouts`.

    read = imported + rejected + left_out. Rollouts of held-out problems are left out where the log
    has train problems, too. An interrupted import resumes when it is called again.

    log_format: of FORMATS, to force one   decode: of token ids, for logs that have no texts
    unknown: how many imported rollouts lack a field in the log
    recomputed: how many have a value that was computed here, or is of a problem in the store
    """
    checked_name("run", name)
    refuse_reserved(name)
    files_of_log = log_files(path, without=store.folder if path in store.folder.parents else None)
    chosen, listed = format_of(path, files_of_log, log_format)
    digest = hash_of(listed)
    with (
        locked(store.folder / "imports" / name),
        files.staged_folder(store.folder, "log") as folder,
    ):
        refuse_unfinished(store, name, path, {"log": digest})
        staged = stage(listed, chosen, folder, decode, progress)
        split = TRAIN if staged.rollouts[TRAIN] else HELD_OUT
        if not staged.rollouts[split]:
            raise UserError(_nothing(path, staged))
        config = {"path": path.name, "format": chosen.name, "log_split": split}
        runs.begin(
            store, IMPORTED_ROLLOUTS, run=name, config=config, seed=None, inputs={"log": digest}
        )
        with runs.failures_recorded(store, name):
            counts = _write(store, name, staged, split, digest)
            summary = _summary(name, chosen, staged, split, counts)
            summary["graders"] = _graders(store, name, counts)
            if staged.rejected:
                target = f"imports/{name}/rejected.jsonl"
                files.write(store.folder, [(target, staged.rejections.read_bytes())])
                summary["rejections"] = str(store.folder / target)
        runs.end(store, name, "done", summary)
    return summary


def _nothing(path: Path, staged: StagedLog) -> str:
    reasons = "; ".join(f"{reason}: {n:,}" for reason, n in staged.rejected.most_common(3))
    return (
        f"{path} has no usable rollout: {staged.read:,} rows were read ({reasons or 'none'})."
        " Expected texts of prompts and completions. Fix the log, or name its --format."
    )


def _write(store: Store, name: str, staged: StagedLog, split: str, digest: str) -> _Counts:
    with files.exclusive(store.folder, PROBLEMS):
        problems = problem_ids_of_log(store, name, staged, split)
    part_names, counts = list(staged.part_names), _Counts()
    pending: list[pl.DataFrame] = []
    position = 0
    for rows in staged.rows(split):
        pending.append(rows_of_step(rows, problems, part_names))
        _count(counts, pending[-1])
        if sum(page.height for page in pending) >= ROLLOUTS_PER_PART:
            _add(store, name, pl.concat(pending), digest, position)
            pending, position = [], position + 1
    if pending:
        _add(store, name, pl.concat(pending), digest, position)
    return counts


def _add(store: Store, name: str, rows: pl.DataFrame, digest: str, position: int) -> None:
    """One part of each table. An interrupted import writes the same parts again."""
    once = runs.fingerprint(log=digest, first=rows.select("step", "group").row(0))
    for table in ("rollouts", ORIGINS):
        columns = [column for column in TABLES[table] if column != "run"]
        add(store, table, rows.select(columns), run=name, once=once, position=position)


def _count(counts: _Counts, rows: pl.DataFrame) -> None:
    counts.rollouts += rows.height
    sizes = rows.group_by("group").len()["len"]
    counts.groups += len(sizes)
    counts.group_sizes.update(sizes.to_list())
    counts.recomputed.update(rows["recomputed"].explode().drop_nulls().to_list())
    counts.without_gold += rows["gold_from"].null_count()
    counts.discarded += int(rows["discarded"].sum())
    if len(counts.first) < SAMPLED:
        counts.first += rows.select("text", "problem_id").head(SAMPLED).rows()


def _summary(
    name: str, chosen: LogFormat, staged: StagedLog, split: str, counts: _Counts
) -> dict[str, Any]:
    unknown = dict(staged.unknown[split])
    return {
        "run": name,
        "format": chosen.name,
        "split": split,
        "read": staged.read,
        "imported": counts.rollouts,
        "rejected": sum(staged.rejected.values()),
        "left_out": staged.rollouts.total() - counts.rollouts,
        "steps": len(staged.files_of_step[split]),
        "groups": counts.groups,
        "discarded": counts.discarded,
        "unknown": {name: unknown[name] for name in sorted(unknown)},
        "recomputed": dict(sorted(counts.recomputed.items())),
        "without_gold": counts.without_gold,
        "group_sizes": {str(size): n for size, n in sorted(counts.group_sizes.items())},
        "dialects": dict(staged.dialects.most_common()),
        "reasons": dict(staged.rejected.most_common()),
        "coverage": coverage(
            sorted(staged.steps[split]),
            keeps_newest_batch=chosen.keeps_newest_batch,
            without_step=unknown.get("step", 0),
        ),
    }


def _graders(store: Store, name: str, counts: _Counts) -> list[str]:
    """The graders that fit the first rollouts, the best first."""
    golds = dict(
        ask(
            store,
            "select problem_id, gold from problem_texts"
            " where gold is not null and problem_id in (select unnest($ids))",
            ids=[problem_id for _, problem_id in counts.first],
        ).iter_rows()
    )
    texts = [text for text, _ in counts.first]
    return list(fitting_graders(texts, golds.values()))
