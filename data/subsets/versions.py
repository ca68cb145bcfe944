"""Named versions of subsets, as the store holds them: one of them, all, and what differs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data.errors import UserError
from data.store import BadEntry, Store, ask
from data.subsets.recipe import Recipe, of_json


class NoSuchSubset(UserError):
    """The store has no subset, or no version of it, by this name."""


@dataclass(frozen=True)
class Subset:
    """One version: what it holds and how that was chosen.

    hash: of its ids
    """

    name: str
    version: int
    filter: str
    ids: tuple[str, ...]
    hash: str
    parent: str | None
    author: str | None
    at: datetime

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def recipe(self) -> Recipe:
        return of_json(self.filter)

    @property
    def of(self) -> str | None:
        """records or problems; None where its filter is no recipe, but some other text."""
        try:
            return self.recipe.of
        except BadEntry:
            return None

    def to_json(self) -> dict[str, Any]:
        """All but the ids, of which n counts."""
        return {
            "subset": self.label,
            "of": self.of,
            "n": len(self.ids),
            "hash": self.hash,
            "filter": self.filter,
            "parent": self.parent,
            "author": self.author,
            "at": self.at.isoformat(),
        }


def subsets(store: Store, name: str | None = None) -> list[Subset]:
    """Every version of every subset, or of `name`; the newest first."""
    rows = ask(
        store,
        """
        select name, version, filter, ids, hash, parent, author, "at" from subsets
        where $name is null or name = $name
        order by "at" desc, name, version desc
        """,
        name=name,
    )
    return [
        Subset(**{**row, "ids": tuple(row["ids"]), "at": row["at"]})
        for row in rows.iter_rows(named=True)
    ]


def subset(store: Store, said: str) -> Subset:
    """The version `name@version`, or the newest of `name`."""
    name, _, version = said.rpartition("@")
    if not name or not version.isdigit():
        name, version = said, ""
    for one in subsets(store, name):
        if version in ("", str(one.version)):
            return one
    known = list(dict.fromkeys(one.name for one in subsets(store)))
    versions = ", ".join(str(one.version) for one in subsets(store, name))
    raise NoSuchSubset(
        f"there is no version {version} of subset {name!r}; there are: {versions}."
        if versions
        else f"there is no subset {said!r}; the store has: {', '.join(known[:20]) or 'none'}."
        " Make one: thinkbench subset new NAME --where FILTER"
    )


def difference(first: Subset, second: Subset) -> dict[str, Any]:
    """How many ids both hold, and those that only one does; each list is sorted."""
    mine, theirs = set(first.ids), set(second.ids)
    return {
        "first": first.label,
        "second": second.label,
        "both": len(mine & theirs),
        "only_first": sorted(mine - theirs),
        "only_second": sorted(theirs - mine),
    }
