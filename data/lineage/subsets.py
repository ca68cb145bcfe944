"""From a version of a subset back to its parents and to the sources of its rows."""

from data.lineage.sources import of_source
from data.lineage.step import DEEPEST, UNKNOWN, Step
from data.store import Store, ask
from data.subsets import NoSuchSubset, Subset, converters_of, subset


def of_subset(store: Store, label: str) -> list[Step]:
    """A version of a subset, its parents, and the sources of its rows as they were then."""
    steps: list[Step] = []
    sources: list[Step] = []
    while label and len(steps) < DEEPEST:
        try:
            one = subset(store, label)
        except NoSuchSubset:
            return [*steps, Step("subset", label, {"state": f"{UNKNOWN}: no longer in the store"})]
        of = one.to_json()
        steps.append(Step("subset", one.label, {k: of[k] for k in ("n", "filter", "author", "at")}))
        sources = sources or _sources(store, one)
        label = one.parent or ""
    return steps + sources


def _sources(store: Store, version: Subset) -> list[Step]:
    table, column = (
        ("problems", "problem_id") if version.of == "problems" else ("records", "record_id")
    )
    sources = ask(
        store,
        f"select distinct source from {table} where {column} in (select unnest($ids))"
        " order by source",
        ids=list(version.ids),
    )["source"]
    converters = converters_of(store, version)
    return [
        step
        for source in sources
        for step in of_source(store, source, *converters.get(source, (None, "")), at=version.at)
    ]
