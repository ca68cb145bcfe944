"""The outcome of an A/B trial of a subset, in words."""

from typing import Any

from workbench.formatting.numbers import change, p_value


def trial_verdict(value: dict[str, Any]) -> str:
    """The difference between both arms with its interval and p, and what follows from it."""
    control = value["against"][0]
    difference = f"{value['subset']} - {control}: {change(value)}, p = {p_value(value['p'])}"
    seeds = value["seeds"]
    if value["verdict"] == "not distinguishable":
        return (
            f"{difference}. Not distinguishable with {seeds[1]} and {seeds[0]} seeds: a trial of"
            f" this size detects differences of {100 * value['smallest']:.1f} points or more."
        )
    return f"{difference}. {value['subset']} is {value['verdict']}."
