"""`runs`: the runs of the store, and all that is recorded of one."""

import json
from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, frozen_store, verb, verb_group
from workbench.cli.output import tables
from workbench.formatting import visible

group = verb_group("runs", "The runs of the store: what made each, and how it ended.")


@click.option("--kind", help="only runs of this kind: sft, grpo, eval, import, ...")
@click.option("--deleted", is_flag=True, help="list deleted runs; `store restore` brings them back")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
def list_(folder: Path, kind: str | None, deleted: bool, limit: int) -> Answer:
    """List runs, the newest first."""
    from workbench.lookup import list_runs

    return list_runs(frozen_store(folder), kind, deleted, limit), print_runs


@click.argument("run")
def show(folder: Path, run: str) -> Answer:
    """Show what made a run, how it ended, and how many rows it has."""
    from workbench.lookup import show_run

    return show_run(frozen_store(folder), run), print_run


def print_runs(value: dict[str, Any]) -> None:
    """A row a run."""
    if not value["runs"]:
        kinds = visible(", ".join(value["kinds"]))
        tables.show(
            f"There are no such runs; the kinds of those there are: {kinds}."
            if kinds
            else "There are no such runs. All: thinkbench runs list"
        )
        return
    rows = [
        [
            visible(row["run"]),
            f"{row['kind']} (train problems)" if row["train_problems"] else row["kind"],
            visible(row["stage"] or "-"),
            row["state"],
            (row["started_at"] or row["ended_at"])[:16].replace("T", " "),
        ]
        for row in value["runs"]
    ]
    deleted = all(row["started_at"] is None for row in value["runs"])
    columns = ["run", "kind", "stage", "state", "deleted at" if deleted else "started"]
    tables.show(tables.table("Runs (UTC)", columns, rows, words=True))
    if len(rows) < value["n"]:
        tables.show(f"The newest {len(rows)} of {value['n']:,}; --limit N lists more.")


def print_run(value: dict[str, Any]) -> None:
    """What made the run, its rows, its events."""
    plain = ("kind", "stage", "state", "parent", "seed", "code")
    facts = [[name, visible(str(value[name]))] for name in plain if value[name] is not None]
    facts += [
        [f"{name}: {key}" if isinstance(value[name], dict) else name, visible(_as_text(entry))]
        for name in ("config", "inputs", "summary")
        for key, entry in (value[name] or {}).items()
    ]
    facts += [
        [words, visible(", ".join(value[name]))]
        for name, words in (("used_by", "used by"), ("subsets", "subsets of its rows"))
        if value[name]
    ]
    rows = [[table, f"{n:,}"] for table, n in value["rows"].items()]
    events = [[event["event"], event["at"][:19].replace("T", " ")] for event in value["events"]]
    tables.show(
        tables.table(visible(value["run"]), ["what", "value"], facts, words=True),
        tables.table("Rows", ["table", "rows"], rows),
        tables.table("Events (UTC)", ["event", "at"], events, words=True),
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


for command in (list_, show):
    group.add_command(verb(command))
