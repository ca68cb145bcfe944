"""Runs: each records its config, seed, code and inputs when it begins, and how it ended."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import files, parts
from data.store.files import StoreError
from data.store.schema import ANSWERS, IMPORTED_ROLLOUTS, TABLES
from data.store.store import Store, add, ask
from data.store.upkeep import compaction, dependents, losses, trash

SOURCE = Path(__file__).parents[2]
FLOORS = ("data", "evals", "pipeline", "workbench")
JSON_COLUMNS = ("config", "inputs", "summary")
MANY_PARTS = 32  # of events, from which they are merged
# kinds of runs that are nothing but their rows, which the same command can make again
MADE_OF_PARTS = ("ingest", "convert", "tokens", "release", IMPORTED_ROLLOUTS, *ANSWERS)
DELETIONS = "deletions"  # lock: of two runs with a problem, the second sees that the first goes
LOST, LOST_PARTS = "parts of its rows were lost", "lost_parts"
EVENTS = "events"  # lock: one process at a time begins or ends a run


class RunExists(UserError):
    """A run of this name is done. Its results are not overwritten."""


def fingerprint(**parts: Any) -> str:
    """The hash of these values as JSON, whatever the order of their keys [64 hex digits]."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_revision() -> str:
    """The commit, with "+" and a hash of the source where that differs; without git, the hash."""
    if not (SOURCE / ".git").exists():
        return f"source-{source_hash()}"
    try:
        commit = _git("rev-parse", "HEAD").strip()
        changed = _git("status", "--porcelain", "--", *FLOORS)
    except (OSError, subprocess.CalledProcessError):  # no git here, or a checkout of someone else's
        return f"source-{source_hash()}"
    return f"{commit}+{source_hash()}" if changed else commit


def source_hash() -> str:
    """16 hex digits over every .py and .toml file of the four floors."""
    content = hashlib.sha256()
    for floor in FLOORS:
        for file in sorted((SOURCE / floor).rglob("*")):
            if file.suffix in (".py", ".toml"):
                content.update(file.relative_to(SOURCE).as_posix().encode() + b"\0")
                content.update(file.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(SOURCE), *arguments], check=True, capture_output=True, text=True
    ).stdout


def begin(
    store: Store,
    kind: str,
    *,
    run: str,
    stage: str | None = None,
    config: dict[str, Any],
    seed: int | None,
    inputs: dict[str, str],
    parent: str | None = None,
) -> None:
    """Record that `run` starts, or resumes after it failed or was interrupted.

    inputs: name -> hash of what it reads
    """
    with files.exclusive(store.folder, EVENTS):  # so that no other process ends it in between
        last = state(store, run)
        if last and last["event"] == "done":
            raise RunExists(
                f"run {run!r} was done at {last['at']:%Y-%m-%d %H:%M} UTC and is not overwritten. "
                "Give the new run another name."
            )
        _event(
            store,
            {
                "run": run,
                "kind": kind,
                "stage": stage,
                "event": "started",
                "config": config,
                "seed": seed,
                "code": code_revision(),
                "inputs": inputs,
                "parent": parent,
                "summary": None,
            },
        )
    if last is None:
        trash.settle(store)  # of a deleted run of this name
    else:
        _compact(store, run)


def end(store: Store, run: str, outcome: str, summary: dict[str, Any]) -> None:
    """Record how `run` ended: done, failed or interrupted."""
    if outcome not in ("done", "failed", "interrupted"):
        raise ValueError(f"outcome {outcome!r}; expected done, failed or interrupted.")
    with files.exclusive(store.folder, EVENTS):
        last = state(store, run)
        if last is None:
            raise ValueError(f"run {run!r} has not begun, so it cannot end. Call begin first.")
        if last["event"] == "done" and outcome != "done":
            return  # another process has finished it meanwhile
        _event(store, last | {"event": outcome, "summary": summary})
    _compact(store, run)


def _compact(store: Store, run: str) -> None:
    """Merge what the run has written. Its rows are whole without that, also on a full disk."""
    with suppress(StoreError):
        compaction.compact_run(store, run)
        if compaction.live_parts(store, "runs") > MANY_PARTS:
            compaction.compact(store, "runs", None)


@contextmanager
def failures_recorded(
    store: Store, run: str, summary: Callable[[], dict[str, Any]] = dict
) -> Iterator[None]:
    """Record that `run` was interrupted or failed if the block raises; the error is raised again.

    summary: more entries for the summary of the run
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        end(store, run, "interrupted", summary())
        raise
    except Exception as error:
        with suppress(StoreError):  # a full disk is why it failed: the error itself says so
            end(store, run, "failed", summary() | {"error": f"{type(error).__name__}: {error}"})
        raise


def change_inputs(store: Store, run: str, inputs: dict[str, str]) -> None:
    """Record that `run` has these inputs from now on; it stays as it ended, and when."""
    with files.exclusive(store.folder, EVENTS):
        last = state(store, run)
        if last is None:
            raise ValueError(f"run {run!r} has not begun, so it has no inputs. Call begin first.")
        _event(store, last | {"inputs": inputs}, at=last["at"])


def delete(store: Store, run: str) -> int:
    """Move the run's parts to the trash, from which `restore` can take them; their number.

    Events stay in the table of runs. Problems that other runs answered stay with those. Calling it
    again continues after an interruption.
    """
    last = _last_event(store, run)
    if last is None:
        raise UserError(f"there is no run {run!r}. List those there are: thinkbench runs list")
    if last["event"] == "deleted":
        moved = trash.set_aside(store, run, again=True)
        if not moved:
            raise UserError(
                f"run {run!r} is deleted already. Restore it: thinkbench store restore {run}"
            )
        return moved
    trash.refuse_while_in_use(store, run)
    with files.exclusive(store.folder, DELETIONS):
        dependents.keep_problems(store, run)
        _event(store, last | {"event": "deleted"})
    return trash.set_aside(store, run)


def restore(store: Store, run: str) -> int:
    """Undo the last `delete`; the number of parts that the run has again."""
    last = _last_event(store, run)
    if last is None or last["event"] != "deleted":
        raise UserError(_not_deleted(store, run))
    n = trash.bring_back(store, run)
    _event(store, last | {"event": "restored"})
    trash.forget(store, run)
    return n


def _not_deleted(store: Store, run: str) -> str:
    earlier = trash.newest(store, run)
    if earlier is None:
        return (
            f"run {run!r} is not deleted, so there is nothing to restore. Deleted runs:"
            " thinkbench runs list --deleted"
        )
    return (
        f"run {run!r} was made again after it was deleted, and a store has one run of a name. Its"
        f" earlier rows stay in the trash, as Parquet files that any reader opens: {earlier}"
    )


def repair(store: Store) -> dict[str, Any]:
    """Let questions go on without parts that are lost or damaged (see data/store/upkeep/losses.py).

    runs: those of MADE_OF_PARTS that lost rows. They count as failed, so that the same command
    makes the rows again.
    whole: those that had failed so, and whose parts were put back. They count as done again.
    """
    paths = losses.repair(store)
    lost: dict[str, list[str]] = {}
    for path in [*paths["missing"], *paths["damaged"]]:
        if (run := parts.run_of(path)) is not None:
            lost.setdefault(run, []).append(path)
    failed = []
    for run in sorted(lost):
        last = state(store, run)
        if last and last["event"] == "done" and last["kind"] in MADE_OF_PARTS:
            summary = (last["summary"] or {}) | {"error": LOST, LOST_PARTS: sorted(lost[run])}
            _event(store, last | {"event": "failed", "summary": summary})
            failed.append(run)
    return paths | {"runs": failed, "whole": _put_back(store, lost.keys())}


def _put_back(store: Store, lost: Collection[str]) -> list[str]:
    """Runs that failed as parts were lost, and have them again: they are done as they were."""
    whole = []
    for run, summary in runs_that_lost_rows(store).items():
        if run in lost or not losses.are_there(store, summary[LOST_PARTS]):
            continue
        last = state(store, run)
        if last is not None:
            before = {name: summary[name] for name in summary if name not in ("error", LOST_PARTS)}
            _event(store, last | {"event": "done", "summary": before})
            whole.append(run)
    return whole


def runs_that_lost_rows(store: Store) -> dict[str, dict[str, Any]]:
    """The summaries of runs that count as failed since `repair` found parts of theirs lost."""
    rows = ask(store, "select run, summary from runs where event = 'failed' order by run")
    summaries = {row["run"]: json.loads(row["summary"] or "{}") for row in rows.to_dicts()}
    return {run: summary for run, summary in summaries.items() if summary.get(LOST_PARTS)}


def state(store: Store, run: str) -> dict[str, Any] | None:
    """The run's row of the view `runs`, or None: `event` is started until it ends.

    config, inputs and summary are dicts here; the summary is None until the run ends.
    """
    rows = ask(store, "select * from runs where run = $run", run=run)
    if rows.is_empty():
        return None
    return _parsed(rows.row(0, named=True))


def states(store: Store, kind: str, stage: str | None) -> list[dict[str, Any]]:
    """The rows of the view `runs` of a kind and stage, as `state` has them, by their start."""
    rows = ask(
        store,
        "select * from runs where kind = $kind and stage is not distinct from $stage"
        " order by started_at, run",
        kind=kind,
        stage=stage,
    )
    return [_parsed(row) for row in rows.iter_rows(named=True)]


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: json.loads(row[name]) for name in JSON_COLUMNS if row[name] is not None}


def _last_event(store: Store, run: str) -> dict[str, Any] | None:
    """The newest row of `run_events` of a run, also of a deleted one."""
    query = 'select * from run_events where run = $run order by "at" desc limit 1'
    rows = ask(store, query, run=run)
    return None if rows.is_empty() else rows.row(0, named=True)


def renew(store: Store, run: str, after: datetime) -> None:
    """Record that a run that is done was asked for again: it starts and ends once more, now.

    Its start is later than `after`, also if the clock was set back. Other runs stay as they are.
    """
    with files.exclusive(store.folder, EVENTS):
        last = state(store, run)
        if last is None or last["event"] != "done":
            return
        at = max(
            datetime.now(UTC), *(time + timedelta(microseconds=1) for time in (after, last["at"]))
        )
        started = _row(last | {"event": "started", "summary": None}, at)
        _add_events(store, [started, _row(last, at + timedelta(microseconds=1))])
    _compact(store, run)


def _event(store: Store, event: dict[str, Any], at: datetime | None = None) -> None:
    """One part with one event; columns that hold JSON may come as values.

    It is later than the events of the run that are there, also if the clock was set back.
    at: now, by default
    """
    before = _last_event(store, event["run"])
    at = at or datetime.now(UTC)
    if before is not None:
        at = max(at, before["at"] + timedelta(microseconds=1))
    _add_events(store, [_row(event, at)])


def _row(event: dict[str, Any], at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {name: event[name] for name in TABLES["runs"] if name != "at"}
    row["at"] = at
    return row | {
        name: json.dumps(row[name], sort_keys=True)
        for name in JSON_COLUMNS
        if isinstance(row[name], dict)
    }


def _add_events(store: Store, rows: list[dict[str, Any]]) -> None:
    """One part with events of one run."""
    frame = pl.DataFrame(rows, schema=TABLES["runs"])
    add(store, "runs", frame, run=rows[0]["run"], stage=rows[0]["stage"])
