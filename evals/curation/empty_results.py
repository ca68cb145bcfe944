"""Why a recipe chooses no row, and what to do: values that were never counted, or its filter."""

from data.store import Store, ask
from data.subsets import COUNTED, Recipe, Table, named_fields

OF_ROLLOUTS = frozenset({"band", "seen", "first_solved", "reward_variance"})
NAMED = 3  # sources that the advice names


def advice(store: Store, rows: Table, recipe: Recipe) -> str:
    """What to do where the resolved `recipe` chooses none of `rows`."""
    fields = dict.fromkeys(named_fields(recipe.where, rows.fields))
    if recipe.tokens:
        fields["tokens"] = None
    absent = _without_values(store, rows, [name for name in fields if name != "source"])
    counted = [source for name in COUNTED for source in absent.get(name, ())]
    if counted:
        sources = list(dict.fromkeys(counted))[:NAMED]
        commands = ", ".join(f"thinkbench audit {source} --model tiny" for source in sources)
        by = f" by {recipe.tokenizer}" if recipe.tokenizer else ""
        return (
            f"The tokens of {', '.join(sources)} are not counted{by}. Count them first, with the"
            f" model that you train: {commands}"
        )
    names = [name for name in absent if name not in COUNTED]
    if OF_ROLLOUTS & set(names):
        return (
            f"No problem has {', '.join(names)}, which GRPO measures. Name a run of it: --run RUN"
        )
    if names:
        return f"No row has a value of {', '.join(names)}. Filter by another field."
    return "Widen its filter."


def _without_values(store: Store, rows: Table, fields: list[str]) -> dict[str, list[str]]:
    """Field -> the sources of which no row has a value of it."""
    if not fields:
        return {}
    counts = ", ".join(
        f"count({rows.fields[name].sql}) as value_{number}" for number, name in enumerate(fields)
    )
    with_rows = rows.tables.format(only="true", current="is_current")
    by_source = ask(
        store,
        f"with {with_rows} select source, {counts} from rows group by source order by source",
        **rows.values,
    )
    absent = {
        name: by_source.filter(by_source[f"value_{number}"] == 0)["source"].to_list()
        for number, name in enumerate(fields)
    }
    return {name: sources for name, sources in absent.items() if sources}
