"""Versions of named subsets in the store: list them, find one, compare two."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.audit import queries
from data.errors import UserError
from data.store import BadEntry, Store, ask, reading
from data.subsets.recipe import Recipe, of_json

AS_SAVED = "not stored with the version: the newest when it was saved"
UNKNOWN_CONVERTER = "unknown converter: the newest is shown"


class NoSuchSubset(UserError):
    """The store has no subset, or no version of it, by this name."""


@dataclass(frozen=True)
class Subset:
    """One version: its ids and how they were chosen.

    filter_text: the recipe as JSON   content_hash: of the ids
    """

    name: str
    version: int
    filter_text: str
    ids: tuple[str, ...]
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
        """Everything but the ids; n counts them."""
        return {
            "subset": self.label,
            "of": self.of,
            "n": len(self.ids),
            "hash": self.content_hash,
            "filter": self.filter_text,
            "parent": self.parent,
            "author": self.author,
            "at": self.at.isoformat(),
        }


def subsets(store: Store, name: str | None = None) -> list[Subset]:
    """Every version of every subset, or of `name`; the newest first."""
    rows = ask(
        store,
        """
        select
            name, version, filter as filter_text, ids, hash as content_hash, parent, author, "at"
        from subsets
        where $name is null or name = $name
        order by "at" desc, name, version desc
        """,
        name=name,
    )
    return [
        Subset(**{**row, "ids": tuple(row["ids"]), "at": row["at"]})
        for row in rows.iter_rows(named=True)
    ]


def subset(store: Store, label: str) -> Subset:
    """The version `name@version`, or the newest of `name`."""
    name, _, version = label.rpartition("@")
    if not name or not version.isdigit():
        name, version = label, ""
    with reading(store) as state:  # as SQL over all subsets would read the ids of all
        row = state.execute(
            "select name, version, filter, ids, hash, parent, author, at from subsets"
            " where name = ? and ? in ('', version) order by version desc limit 1",
            (name, version and int(version)),
        ).fetchone()
        if row is not None:
            name, number, text, ids, content_hash, parent, author, at = row
            moment = datetime.fromtimestamp(at / 1e6, UTC)
            rows = tuple(json.loads(ids))
            return Subset(name, number, text, rows, content_hash, parent, author, moment)
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


def converters_of(store: Store, version: Subset) -> dict[str, tuple[str, str]]:
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
