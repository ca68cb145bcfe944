"""What a gain consists of: tags learned, answers changed, or texts that are no longer truncated.

`strict` requires both the tags and the correct answer, `lenient` the correct answer alone. Together
with why each text ended they show what changed when a verdict changed. Where two runs are compared
by another grader, that one takes the place of `strict`; by `lenient` no change is one of tags.
"""

from typing import Any

import polars as pl

from evals.comparison.transitions import RIGHT, UNKNOWN, WRONG, problem_outcomes

GAINS = ("tags learned", "truncation changed", "answers changed", "undecided")
LOSSES = ("tags lost", "truncation changed", "answers lost", "undecided")
UNDECIDED = 3  # index in both


def decomposition(
    scores_a: pl.DataFrame, scores_b: pl.DataFrame, lenient_a: pl.DataFrame, lenient_b: pl.DataFrame
) -> dict[str, Any]:
    """n, difference, gains, losses: counts by cause; problems: the ids behind each count.

    Every problem whose verdict changed has one cause, the first that applies:
    tags        `lenient` calls the wrong side right
    truncation  the wrong side was truncated at the token limit, the right side was not
    answers     `lenient` calls the wrong side wrong and the right side right
    undecided   none of these: a verdict, or why a text ended, is unknown
    Gains minus losses are n times the difference. With one sample per problem this is the
    difference of accuracy; with several a problem counts by its outcome (transitions.py). Unknown
    counts as not right.
    """
    before, after = problem_outcomes(scores_a), problem_outcomes(scores_b)
    common = sorted(before.keys() & after.keys())
    outcomes_a, outcomes_b = problem_outcomes(lenient_a), problem_outcomes(lenient_b)
    truncated_a, truncated_b = _truncated(scores_a), _truncated(scores_b)
    gains: dict[str, list[str]] = {name: [] for name in GAINS}
    losses: dict[str, list[str]] = {name: [] for name in LOSSES}
    for problem in common:
        a = (outcomes_a.get(problem, UNKNOWN), truncated_a[problem])
        b = (outcomes_b.get(problem, UNKNOWN), truncated_b[problem])
        is_open = UNKNOWN in (before[problem], after[problem])
        if before[problem] != RIGHT == after[problem]:
            gains[GAINS[UNDECIDED if is_open else _cause(a, b)]].append(problem)
        elif before[problem] == RIGHT != after[problem]:
            losses[LOSSES[UNDECIDED if is_open else _cause(b, a)]].append(problem)
    gained, lost = (sum(map(len, problems.values())) for problems in (gains, losses))
    return {
        "n": len(common),
        "difference": (gained - lost) / len(common) if common else None,
        "gains": {name: len(ids) for name, ids in gains.items()},
        "losses": {name: len(ids) for name, ids in losses.items()},
        "problems": {"gains": gains, "losses": losses},
    }


def _cause(wrong: tuple[str, bool | None], right: tuple[str, bool | None]) -> int:
    """Index in GAINS and LOSSES. wrong, right: outcome of the side by `lenient`, and truncated."""
    if wrong[0] == RIGHT:
        return 0
    if wrong[1] is True and right[1] is False:
        return 1
    return 2 if (wrong[0], right[0]) == (WRONG, RIGHT) else UNDECIDED


def _truncated(scores: pl.DataFrame) -> dict[str, bool | None]:
    """Problem -> whether most of its samples reached the token limit; None where unknown."""
    finishes = scores.group_by("problem_id").agg(
        pl.len().alias("samples"),
        (pl.col("finish") == "length").sum().alias("truncated"),
        (pl.col("finish") == "stop").sum().alias("ended"),
    )
    result: dict[str, bool | None] = {}
    for problem, samples, truncated, ended in finishes.iter_rows():
        if truncated * 2 > samples:
            result[problem] = True
        else:
            result[problem] = False if ended * 2 >= samples else None
    return result
