"""What part of a run its log covers, in numbers and in words."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any


def coverage(
    steps: Sequence[int], *, keeps_newest_batch: bool, without_step: int
) -> dict[str, Any]:
    """first, last, every (steps from one to the next; null if that differs), missing, and `means`.

    steps: that the log has, sorted   without_step: rollouts whose step it does not say
    missing: steps between, where every one should be there
    """
    if not steps:
        return {"steps": len(steps), "first": None, "last": None, "every": None, "missing": None,
                "means": "the log does not say which step a rollout is of"}  # fmt: skip
    gaps = Counter(after - before for before, after in pairwise(steps))
    gap = gaps.most_common(1)[0][0] if gaps else None
    of_all = (steps[-1] - steps[0]) // gap + 1 if gap else len(steps)
    batch = "the newest batch" if keeps_newest_batch else "the rollouts"
    each = "each step" if gap in (1, None) else f"each {_ordinal(gap)} step"
    means = f"{batch} of {each}, from {steps[0]:,} to {steps[-1]:,}"
    if gap is None:
        means = f"{batch} of step {steps[0]:,}"
    missing = max(of_all - len(steps), 0)
    return {
        "steps": len(steps),
        "first": steps[0],
        "last": steps[-1],
        "every": gap,
        "missing": missing,
        "means": means
        + (f"; {missing:,} of them are missing" if missing else "")
        + (f"; of {without_step:,} rollouts the step is unknown" if without_step else ""),
    }


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number:,}th"
    return f"{number:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
