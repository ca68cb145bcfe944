"""What became of a problem in a run: one word for all its samples.

A problem is right if more than half of its samples are, and wrong if that can no longer be,
whatever its unknown samples are. Else it is unknown.
"""

import polars as pl

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
STATES = (WRONG, RIGHT, UNKNOWN)


def states(scores: pl.DataFrame, metric: str = "answer") -> dict[str, str]:
    """Problem -> its state."""
    verdict = pl.col(metric).cast(pl.Boolean)
    found = scores.group_by("problem_id", maintain_order=True).agg(
        pl.when(verdict.sum() * 2 > pl.len())
        .then(pl.lit(RIGHT))
        .when((~verdict).sum() * 2 >= pl.len())
        .then(pl.lit(WRONG))
        .otherwise(pl.lit(UNKNOWN))
        .alias("state")
    )
    return dict(found.iter_rows())


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
