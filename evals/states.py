"""What became of a problem in a run: one word for all its samples.

A problem is right if more than half of its samples are, and wrong if that can no longer be,
whatever its unknown samples are. Else it is unknown.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from evals.verdicts import verdicts

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
STATES = (WRONG, RIGHT, UNKNOWN)


def state(samples: Sequence[float]) -> str:
    """samples: 1, 0 or nan, of one problem."""
    found = np.asarray(samples, dtype=float)
    if (found == 1).sum() * 2 > len(found):
        return RIGHT
    return WRONG if (found == 0).sum() * 2 >= len(found) else UNKNOWN


def states(scores: pl.DataFrame, metric: str = "answer") -> dict[str, str]:
    """Problem -> its state."""
    return {problem: state(row) for problem, row in verdicts(scores, metric).items()}


def cut_off(scores: pl.DataFrame) -> dict[str, bool | None]:
    """Problem -> whether most of its samples met the limit of tokens; None: not known."""
    finishes = scores.group_by("problem_id").agg(
        pl.len().alias("samples"),
        (pl.col("finish") == "length").sum().alias("cut"),
        (pl.col("finish") == "stop").sum().alias("ended"),
    )
    return {
        row["problem_id"]: True
        if row["cut"] * 2 > row["samples"]
        else (False if row["ended"] * 2 >= row["samples"] else None)
        for row in finishes.iter_rows(named=True)
    }
