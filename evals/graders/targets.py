"""Reference answers of several correct targets: an answer is correct if it equals any of them."""

from collections.abc import Iterable

from data.numbers import Number
from evals.graders.compare import gold_number

# Between the targets, wherever a reference answer is stored or shown: such brackets stand around a
# word in no answer, so that one text holds them all.
OR = " \u27e8or\u27e9 "


def joined_targets(targets: Iterable[str]) -> str:
    """One reference answer of all `targets`; blank ones and repetitions are left out."""
    return OR.join(dict.fromkeys(target.strip() for target in targets if target.strip()))


def targets_of(gold: str) -> list[str]:
    """The correct targets of a reference answer; most have one."""
    return gold.split(OR)


def gold_numbers(gold: str) -> list[Number] | None:
    """The numbers of all targets, or None where one of them is no number."""
    numbers: list[Number] = []
    for target in targets_of(gold):
        number = gold_number(target)
        if number is None:
            return None
        numbers.append(number)
    return numbers
