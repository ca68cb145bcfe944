"""What the command line prints of a trial: both arms, the difference, and what can be said."""

from typing import Any

from workbench.cli.output.tables import show, table
from workbench.formatting import trial_verdict, visible


def verdict(value: dict[str, Any]) -> None:
    against = value["against"][0]
    rows = [
        [name, f"{value[arm]:.1%}", "  ".join(f"{one:.1%}" for one in value["by_seed"][place])]
        for place, (name, arm) in enumerate(((against, "a"), (value["subset"], "b")))
    ]
    title = f"{value['metric']} after {value['stage']}, {value['n']:,} problems"
    show(table(title, ["learned from", "mean", "by seed"], rows))
    show(f"{visible(trial_verdict(value))}\nRun: {value['run']}")
