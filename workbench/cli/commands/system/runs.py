"""`runs`: the runs of the store, and all that is recorded of one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from workbench.cli import Answer, frozen_store, verb, verb_group
from workbench.cli.output import tables
from workbench.formatting import visible

if TYPE_CHECKING:
    from data.store import Store

group = verb_group("runs", "The runs of the store: what made each, and how it ended.")


@click.option("--kind", help="only runs of this kind: sft, dpo, grpo, eval, import, ...")
@click.option("--deleted", is_flag=True, help="list deleted runs; `store restore` brings them back")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
def list_(folder: Path, kind: str | None, deleted: bool, limit: int) -> Answer:
    """List runs, the newest first."""
    from workbench.lookup import list_runs

    store = frozen_store(folder)
    value = list_runs(store, kind, deleted, limit)
    if not deleted:
        value["runs"] = _named(store, value["runs"])
    return value, print_runs


def _named(store: "Store", rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs with their names, and the states that they really are in."""
    from workbench.jobs import runs_of_cancelled_jobs, true_state
    from workbench.lookup import run_names

    names, cancelled = run_names(store), runs_of_cancelled_jobs(store)
    return [
        row
        | {
            "name": names[row["run"]],
            "state": true_state(store, row["run"], row["state"], cancelled),
        }
        for row in rows
    ]


@click.argument("run")
def show(folder: Path, run: str) -> Answer:
    """Show what made a run, how it ended, and how many rows it has."""
    from workbench.lookup import show_run

    return show_run(frozen_store(folder), run), print_run


@click.argument("run")
@click.option("--name", help='what people call the run; "" takes the name back')
@click.option("--notes", help='a few sentences; "" takes the notes back')
def note(folder: Path, run: str, name: str | None, notes: str | None) -> Answer:
    """Give a run a name and notes, which every list and page shows; its id stays."""
    from data.store import note_run
    from workbench.lookup import existing_store, facts_of_runs, run_name, show_run, user_name

    store = existing_store(folder)
    show_run(store, run)  # refuses a run that the store does not have
    before = next((row for row in facts_of_runs(store) if row["run"] == run), None)
    if before is None:
        raise UserError(f"run {run!r} is deleted. Restore it: thinkbench store restore {run}")
    changes = {"name": name, "notes": notes}
    if name is None and notes is None:
        raise UserError("nothing to note was given; expected --name NAME, --notes TEXT or both")
    after = {key: before[key] if text is None else text for key, text in changes.items()}
    note_run(store, run, **after, author=user_name())
    now = next(row for row in facts_of_runs(store) if row["run"] == run)
    value = {"run": run, "name": run_name(now), "notes": now["notes"]}
    return value, tables.counts("Noted")


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
            visible(row.get("name", row["kind"])) + _of_train(row),
            row["state"],
            (row["started_at"] or row["ended_at"])[:16].replace("T", " "),
            visible(row["run"]),
        ]
        for row in value["runs"]
    ]
    deleted = all(row["started_at"] is None for row in value["runs"])
    columns = ["name", "state", "deleted at" if deleted else "started", "run"]
    tables.show(tables.table("Runs (UTC)", columns, rows, words=True))
    if len(rows) < value["n"]:
        tables.show(f"The newest {len(rows)} of {value['n']:,}; --limit N lists more.")


def _of_train(row: dict[str, Any]) -> str:
    return " (train problems)" if row["train_problems"] else ""


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


for command in (list_, show, note):
    group.add_command(verb(command))
