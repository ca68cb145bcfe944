"""What the command line prints of a trial: both arms, the difference, and what can be said."""

from typing import Any

from workbench.cli.output.tables import show, table
from workbench.formatting import chance, change, visible


def verdict(value: dict[str, Any]) -> None:
    against = value["against"][0]
    rows = [
        [name, f"{value[arm]:.1%}", "  ".join(f"{one:.1%}" for one in value["by_seed"][place])]
        for place, (name, arm) in enumerate(((against, "a"), (value["subset"], "b")))
    ]
    title = f"{value['metric']} after {value['stage']}, {value['n']:,} problems"
    show(table(title, ["learned from", "mean", "by seed"], rows))
    show(f"{visible(sentence(value))}\nRun: {value['run']}")


def sentence(value: dict[str, Any]) -> str:
    """What a trial says, in words."""
    against = value["against"][0]
    what = f"{value['subset']} - {against}: {change(value)}, p = {chance(value['p'])}"
    seeds = value["seeds"]
    if value["verdict"] == "not distinguishable":
        return (
            f"{what}. Not distinguishable with {seeds[1]} and {seeds[0]} seeds: such a trial sees"
            f" differences of {100 * value['smallest']:.1f} points or more."
        )
    return f"{what}. {value['subset']} is {value['verdict']}."
