"""`store`: upkeep of the store. Nothing here changes a row."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, verb, verb_group
from workbench.cli.output import tables
from workbench.formatting import visible

group = verb_group("store", "Upkeep of the store: merge its parts, delete and restore runs.")


def compact(folder: Path) -> Answer:
    """Merge the many small parts of runs, also of killed ones.

    Commands do this for the runs that they end. No row changes, and any command may run meanwhile.
    """
    from data.store.upkeep import compact_all
    from workbench.lookup import existing_store

    return compact_all(existing_store(folder)), tables.counts("Store")


@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
def delete(folder: Path, runs: tuple[str, ...]) -> Answer:
    """Move runs to the trash, with their checkpoints; restore brings them back.

    To free the disk, delete the folder .trash of the store afterwards.
    """
    from data.store import runs as store_runs
    from workbench.lookup import existing_store, show_run

    store = existing_store(folder)
    needed = {run: show_run(store, run) for run in runs}
    deleted = [
        {
            "run": run,
            "parts": store_runs.delete(store, run),
            "used_by": needed[run]["used_by"],
            "subsets": needed[run]["subsets"],
        }
        for run in dict.fromkeys(runs)
    ]
    return {"deleted": deleted}, print_deleted


@click.argument("run")
def restore(folder: Path, run: str) -> Answer:
    """Bring a deleted run back from the trash."""
    from data.store import runs
    from workbench.lookup import existing_store

    return {"run": run, "parts": runs.restore(existing_store(folder), run)}, print_restored


def repair(folder: Path) -> Answer:
    """Let commands go on without parts that are lost or damaged, and name them.

    Damaged parts are moved to the trash. Runs that lost rows count as failed, so the same command
    makes the rows again. A lost part that is put back later counts again; give this command once
    more then, and its run is done again.
    """
    from data.store import runs
    from workbench.lookup import existing_store

    return runs.repair(existing_store(folder)), print_repaired


def print_deleted(value: dict[str, Any]) -> None:
    """A line a run, and who needs it."""
    for row in value["deleted"]:
        run = visible(row["run"])
        tables.show(f"Deleted {run} ({row['parts']:,} parts). Undo: thinkbench store restore {run}")
        if row["used_by"]:
            tables.show(f"  Runs that were made from it: {visible(', '.join(row['used_by']))}")
        if row["subsets"]:
            tables.show(f"  Subsets of its rows: {visible(', '.join(row['subsets']))}")


def print_restored(value: dict[str, Any]) -> None:
    """One line."""
    tables.show(f"Restored {visible(value['run'])} ({value['parts']:,} parts).")


def print_repaired(value: dict[str, Any]) -> None:
    """Every path, by what is wrong with it."""
    titles = {
        "missing": "Lost parts: put them back from a backup, or make their runs again",
        "damaged": "Damaged parts, moved to the trash",
        "runs": "Runs that lost rows, and count as failed: give the command of each again",
        "replaced": "Damaged parts, moved to the trash; other parts have their rows",
        "whole": "Runs whose parts were put back: done again",
        "foreign": "Files that are no parts of the store: no question reads them; move them out",
    }
    for name, title in titles.items():
        if value[name]:
            rows = [[visible(path)] for path in value[name]]
            tables.show(tables.table(f"{title} ({len(rows):,})", ["name"], rows, words=True))
    if not any(value.values()):
        tables.show("Every part of the store is there and can be read.")


for command in (compact, delete, restore, repair):
    group.add_command(verb(command))
