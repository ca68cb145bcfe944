"""Versions of named subsets in the store: list them, find one, compare two."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.audit import queries
from data.errors import UserError
from data.store import BadEntry, Store, reading
from data.subsets.recipe import Recipe, of_json

AS_SAVED = "not stored with the version: the newest when it was saved"
COLUMNS = "name, version, filter, n, hash, parent, author, at"  # of SubsetVersion
UNKNOWN_CONVERTER = "unknown converter: the newest is shown"


class NoSuchSubset(UserError):
    """The store has no subset, or no version of it, by this name."""


@dataclass(frozen=True)
class SubsetVersion:
    """One version: how its rows were chosen, and how many there are.

    filter_text: the recipe as JSON   n: rows   content_hash: of the ids
    """

    name: str
    version: int
    filter_text: str
    n: int
    content_hash: str
    parent: str | None
    author: str | None
    at: datetime

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def recipe(self) -> Recipe:
        return of_json(self.filter_text)

    @property
    def of(self) -> str | None:
        """records or problems; None if its filter is not a recipe."""
        try:
            return self.recipe.of
        except BadEntry:
            return None

    def to_json(self) -> dict[str, Any]:
        return {
            "subset": self.label,
            "of": self.of,
            "n": self.n,
            "hash": self.content_hash,
            "filter": self.filter_text,
            "parent": self.parent,
            "author": self.author,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True)
class Subset(SubsetVersion):
    """A version with the ids of its rows, sorted."""

    ids: tuple[str, ...]


def subsets(store: Store, name: str | None = None) -> list[SubsetVersion]:
    """Every version of every subset, or of `name`; the newest first."""
    with reading(store) as state:  # as a question in DuckDB would read the ids of all
        query = (
            f"select {COLUMNS} from subsets where ? in (name, '')"
            " order by at desc, name, version desc"
        )
        return [SubsetVersion(*_fields(row)) for row in state.execute(query, (name or "",))]


def subset(store: Store, label: str) -> Subset:
    """The version `name@version`, or the newest of `name`."""
    name, _, version = label.rpartition("@")
    if not name or not version.isdigit():
        name, version = label, ""
    with reading(store) as state:
        row = state.execute(
            f"select {COLUMNS}, ids from subsets where name = ? and ? in ('', version)"
            " order by version desc limit 1",
            (name, version and int(version)),
        ).fetchone()
        if row is not None:
            return Subset(*_fields(row[:-1]), ids=tuple(json.loads(row[-1])))
        query = "select name from subsets group by name order by max(at) desc, name"
        names = [name for (name,) in state.execute(query)]
        query = "select version from subsets where name = ? order by version desc"
        versions = ", ".join(str(n) for (n,) in state.execute(query, (name,)))
    raise NoSuchSubset(
        f"there is no version {version} of subset {name!r}; there are: {versions}."
        if versions
        else f"there is no subset {label!r}; the store has: {', '.join(names[:20]) or 'none'}."
        " Make one: thinkbench subset new NAME --where FILTER"
    )


def _fields(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """COLUMNS as the fields of a SubsetVersion."""
    *values, at = row
    return *values, datetime.fromtimestamp(at / 1e6, UTC)


def converters_of(store: Store, version: SubsetVersion) -> dict[str, tuple[str, str]]:
    """Source -> the converter that the rows of a version are of, and why where it is not stored.

    A version that was saved before converters were stored has those that were the newest when it
    was saved; of a source without a conversion from before that, the newest of today.
    """
    try:
        stored = dict(version.recipe.converters)
    except BadEntry:
        stored = {}
    if stored:
        return {source: (converter, "") for source, converter in stored.items()}
    before = queries.converters_at(store, version.at)
    newest = dict(zip(*queries.newest_of(store), strict=True))
    return {
        source: (before[source], AS_SAVED) if source in before else (converter, UNKNOWN_CONVERTER)
        for source, converter in newest.items()
    }


def difference(first: Subset, second: Subset) -> dict[str, Any]:
    """The number of ids in both, and the ids in only one; each list is sorted."""
    first_ids, second_ids = set(first.ids), set(second.ids)
    return {
        "first": first.label,
        "second": second.label,
        "both": len(first_ids & second_ids),
        "only_first": sorted(first_ids - second_ids),
        "only_second": sorted(second_ids - first_ids),
    }
