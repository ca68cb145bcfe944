"""What a gain is made of: tags learned, answers changed, or texts that are no longer cut off.

`strict` asks for the tags and the answer at once; `lenient` for the answer alone. Both together,
with why each text ended, tell what changed where the verdict of `strict` did.
"""

from typing import Any

import polars as pl

from evals.comparison.states import RIGHT, UNKNOWN, WRONG, cut_off, states

GAINS = ("tags learned", "truncation changed", "answers changed", "undecided")
LOSSES = ("tags lost", "truncation changed", "answers lost", "undecided")


def decomposition(
    strict_a: pl.DataFrame, strict_b: pl.DataFrame, lenient_a: pl.DataFrame, lenient_b: pl.DataFrame
) -> dict[str, Any]:
    """n, difference, gains, losses: counts by cause; problems: the ids behind each count.

    Every problem whose verdict by `strict` changed has one cause, the first that fits:
    tags        lenient calls it right on the side where strict calls it wrong
    truncation  the wrong side was cut off by the limit of tokens, the right one ended by itself
    answers     lenient calls the wrong side wrong and the right one right
    undecided   none of these: lenient, or why a text ended, is unknown
    Gains less losses are n times the difference, which is that of strict where each problem has
    one sample; with several a problem counts as evals/comparison/states.py says.
    """
    before, after = states(strict_a), states(strict_b)
    decided = [
        problem
        for problem in sorted(before.keys() & after.keys())
        if UNKNOWN not in (before[problem], after[problem])
    ]
    said_a, said_b = states(lenient_a), states(lenient_b)
    cut_a, cut_b = cut_off(strict_a), cut_off(strict_b)
    gains: dict[str, list[str]] = {name: [] for name in GAINS}
    losses: dict[str, list[str]] = {name: [] for name in LOSSES}
    for problem in decided:
        a = (said_a.get(problem, UNKNOWN), cut_a[problem])
        b = (said_b.get(problem, UNKNOWN), cut_b[problem])
        if (before[problem], after[problem]) == (WRONG, RIGHT):
            gains[GAINS[_cause(a, b)]].append(problem)
        elif (before[problem], after[problem]) == (RIGHT, WRONG):
            losses[LOSSES[_cause(b, a)]].append(problem)
    gained, lost = (sum(map(len, found.values())) for found in (gains, losses))
    return {
        "n": len(decided),
        "difference": (gained - lost) / len(decided) if decided else None,
        "gains": {name: len(ids) for name, ids in gains.items()},
        "losses": {name: len(ids) for name, ids in losses.items()},
        "problems": {"gains": gains, "losses": losses},
    }


def _cause(wrong: tuple[str, bool | None], right: tuple[str, bool | None]) -> int:
    """Place in GAINS and LOSSES. Of each side: what lenient says, and whether it was cut off."""
    if wrong[0] == RIGHT:
        return 0
    if wrong[1] is True and right[1] is False:
        return 1
    return 2 if (wrong[0], right[0]) == (WRONG, RIGHT) else 3
