"""Folders and names of parts: of which table and run they are, and when their rows count.

`part-`: at once. `pair-`: texts and scores of the same generations under one name; the texts count
once the scores, which are renamed last, exist. `merged-`: its metadata names the parts that it
replaces, and all pairs whose scores it holds. Parquet files of other names are no parts.
"""

import re
from collections.abc import Iterable

from data.store import TABLES, files
from data.store.files import StoreError

FOLDERS = {table: table for table in TABLES} | {"generations": "texts"}
PAIR = ("scores", "generations")  # listed in this order: whoever sees the scores sees the texts
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # of folders that are read


def checked_name(kind: str, name: str) -> str:
    """`name`, which becomes a folder. A name that could escape the store's folder is refused."""
    if not NAME.fullmatch(name) or name[0] == "-":  # which a command line takes for an option
        raise StoreError(
            f"{kind} {name!r} cannot name a folder; expected 1 to 100 letters, digits, '.', '_' or "
            "'-', with no dot or '-' first. Choose another name."
        )
    return name


def folder_of(table: str, run: str | None, stage: str | None) -> str:
    levels = [FOLDERS[table]]
    if run is not None:
        levels.append(f"run={checked_name('run', run)}")
    if stage is not None:
        levels.append(f"stage={checked_name('stage', stage)}")
    return "/".join(levels)


def run_of(path: str) -> str | None:
    """The run in whose folder a part lies; None for merged events of many runs."""
    levels = dict(level.split("=", 1) for level in path.split("/")[1:-1])
    return levels.get("run")


def tables_together(tables: Iterable[str]) -> list[str]:
    """`tables`, and the other half of a pair: the two are registered in one transaction."""
    names = set(tables)
    if names & set(PAIR):
        names |= set(PAIR)
    return sorted(names, key=lambda table: (table not in PAIR, table != "scores", table))


def is_pair_of_texts(path: str) -> bool:
    return path.startswith(f"{FOLDERS['generations']}/") and "/pair-" in path


def may_come_again(path: str) -> bool:
    """Whether texts wait for this part, or a writer may write it again under the same name."""
    return "/pair-" in path or files.is_fixed(path)


def scores_of(path: str) -> str:
    return FOLDERS["scores"] + path.removeprefix(FOLDERS["generations"])
