"""Learnability: how often a GRPO run solved each problem, and whether rewards in a group differ.

A visit is all rollouts of one problem in one step. As in evals/comparison/transitions.py, a visit
solves the problem if more than half of its rollouts are right. See
docs/decisions/0008-what-a-run-learns-from.md.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import Store
from evals.graders import GRADERS
from evals.rollouts.advantages import SAME
from evals.rollouts.read import (
    ANSWER,
    is_imported,
    regraded_verdicts,
    stored_verdicts,
    verdict_grader,
)
from evals.statistics import mean_of_clusters, wilson, wilson_bounds

BANDS = {
    "always 0": "every rollout is wrong",
    "learnable": "some are right and some wrong",
    "always 1": "every rollout is right",
    "forgotten": "an earlier step solved it, of the last one's rollouts none is right",
    "unknown": "unknown verdicts leave open which of these it is",
}


@dataclass(frozen=True)
class Conditions:
    """Conditions on problems, which must all hold; None where a condition is not set.

    pass_rate: lowest and highest share of right rollouts, both inclusive
    seen:      smallest number of steps that sampled the problem
    """

    band: str | None = None
    pass_rate: tuple[float, float] | None = None
    seen: int = 1

    def __post_init__(self) -> None:
        if self.band is not None and self.band not in BANDS:
            raise UserError(f"there is no band {self.band!r}; expected one of {', '.join(BANDS)}.")
        if self.pass_rate is not None:
            low, high = self.pass_rate
            if not 0 <= low <= high <= 1:
                raise UserError(
                    f"pass rates of {low} to {high} are not a range; expected two numbers from 0 to"
                    " 1, the lower one first."
                )

    def select(self, problems: pl.DataFrame) -> pl.DataFrame:
        """The rows of `by_problem` that meet all conditions. A null pass rate is in no range."""
        rows = problems.filter(pl.col("seen") >= self.seen)
        if self.band is not None:
            rows = rows.filter(band=self.band)
        if self.pass_rate is not None:
            rows = rows.filter(pl.col("pass_rate").is_between(*self.pass_rate))
        return rows


def by_problem(rollouts: pl.DataFrame) -> pl.DataFrame:
    """One row per problem; the largest variance of rewards within groups comes first.

    rollouts: problem_id, step, group, attempt, reward, right (null: unknown); of every try, as
              leaving out those that were discarded would bias the rates
    returns:  problem_id, band
              seen [steps], groups, rollouts, known, right [rollouts]
              pass_rate, low, high          of its rollouts, of which an unknown verdict counts as
                                            not correct; null where every verdict is unknown
              first_step, first_known, first_rollouts, first_rate, first_low, first_high
                                            of its first visit
              last_step, last_known, last_rollouts, last_rate, last_low, last_high    of its last
              reward_variance               mean over its groups; null if each has one rollout
              zero_variance                 groups whose rewards are all equal
              first_right, first_solved     first steps with one right rollout, with most right
    """
    groups = rollouts.group_by("problem_id", "step", "group", "attempt").agg(
        pl.len().cast(pl.Int64).alias("rollouts"),
        pl.col("right").count().cast(pl.Int64).alias("known"),
        pl.col("right").sum().cast(pl.Int64).alias("right"),
        pl.col("reward").var(ddof=1).alias("variance"),
        (pl.col("reward").max() - pl.col("reward").min() <= SAME).alias("same"),
    )
    counts = ("rollouts", "known", "right")
    visits = (
        groups.group_by("problem_id", "step")
        .agg(pl.sum(*counts))
        .with_columns(solved=pl.col("right") * 2 > pl.col("rollouts"))
        .sort("problem_id", "step")
    )
    spread = groups.group_by("problem_id").agg(
        groups=pl.len().cast(pl.Int64),
        reward_variance=pl.col("variance").mean(),
        zero_variance=pl.col("same").sum().cast(pl.Int64),
    )
    problems = visits.group_by("problem_id").agg(
        pl.len().cast(pl.Int64).alias("seen"),
        pl.sum(*counts),
        *(pl.col(name).first().alias(f"first_{name}") for name in ("step", "rollouts", "known")),
        *(pl.col(name).last().alias(f"last_{name}") for name in ("step", *counts)),
        pl.col("right").first().alias("of_first"),
        pl.col("step").filter(pl.col("right") > 0).first().alias("first_right"),
        pl.col("step").filter("solved").first().alias("first_solved"),
    )
    rows = problems.join(spread, on="problem_id").with_columns(_band().alias("band"))
    for prefix, right in (("", "right"), ("first_", "of_first"), ("last_", "last_right")):
        rows = _with_rates(rows, prefix, right)
    return rows.drop("of_first", "last_right").sort(
        "reward_variance", "problem_id", descending=[True, False], nulls_last=True
    )


def _band() -> pl.Expr:
    n, right = pl.col("known"), pl.col("right")
    none_left = (pl.col("last_right") == 0) & (pl.col("last_known") == pl.col("last_rollouts"))
    solved_before = (pl.col("first_solved") < pl.col("last_step")).fill_null(False)
    return (
        pl.when(solved_before & none_left)
        .then(pl.lit("forgotten"))
        .when((right > 0) & (right < n))
        .then(pl.lit("learnable"))
        .when(n < pl.col("rollouts"))
        .then(pl.lit("unknown"))
        .when(right == 0)
        .then(pl.lit("always 0"))
        .otherwise(pl.lit("always 1"))
    )


def _with_rates(rows: pl.DataFrame, prefix: str, right: str) -> pl.DataFrame:
    """`rows` with the share of the column `right` among rollouts, and its Wilson interval.

    Null where no verdict is known.
    """
    decided, n = pl.col(f"{prefix}known"), pl.col(f"{prefix}rollouts")
    low, high = wilson_bounds(rows[right].to_numpy(), rows[f"{prefix}rollouts"].to_numpy())
    values = {
        "pass_rate" if not prefix else f"{prefix}rate": pl.col(right) / n,
        f"{prefix}low": pl.Series(low),
        f"{prefix}high": pl.Series(high),
    }
    return rows.with_columns(
        pl.when(decided > 0).then(value).alias(name) for name, value in values.items()
    )


def problems(
    store: Store, run: str, *, regrade: bool = False, progress: Progress | None = None
) -> pl.DataFrame:
    """`by_problem` over the stored rollouts of `run`.

    regrade: use the current grader instead of the stored reward; so it is for an imported run,
             whose rewards are no verdicts of ours
    """
    if regrade or is_imported(store, run):
        return by_problem(regraded_verdicts(store, run, progress))
    return by_problem(stored_verdicts(store, run))


def problems_in(
    store: Store,
    run: str,
    band: str | None = None,
    pass_rate: tuple[float, float] | None = None,
    seen: int = 1,
) -> list[str]:
    """The sorted ids of the problems of `run` that meet all `Conditions`."""
    conditions = Conditions(band, pass_rate, seen)
    return conditions.select(problems(store, run)).sort("problem_id")["problem_id"].to_list()


def verdicts_by(store: Store, run: str, regrade: bool) -> str:
    """What decided the verdicts of `problems`, in words."""
    if not regrade and not is_imported(store, run):
        return f"the stored reward {ANSWER!r}"
    rule = GRADERS[verdict_grader(store, run)]
    return f"{rule.name} {rule.version}"


def learnability_summary(
    run: str, problems: pl.DataFrame, conditions: Conditions, verdicts: str
) -> dict[str, Any]:
    """The object of `thinkbench learnability` without its rows.

    problems: the result of `problems`   verdicts: that of `verdicts_by`
    n: number of problems that meet the conditions
    pass_rate, zero_variance: means over problems, of their rollouts and of their groups
    bands: shares of all problems
    """
    rates = problems["pass_rate"].drop_nulls().to_numpy()
    zero_variance = problems["zero_variance"] / problems["groups"]
    bands = dict(problems["band"].value_counts().iter_rows())
    return {
        "run": run,
        "verdicts": verdicts,
        "problems": problems.height,
        "groups": int(problems["groups"].sum()),
        "rollouts": int(problems["rollouts"].sum()),
        "unknown": int((problems["rollouts"] - problems["known"]).sum()),
        "pass_rate": mean_of_clusters(rates).to_json(),
        "zero_variance": mean_of_clusters(zero_variance.to_numpy()).to_json(),
        "bands": {
            band: {"means": means, **wilson(bands.get(band, 0), problems.height).to_json()}
            for band, means in BANDS.items()
        },
        "conditions": {
            "band": conditions.band,
            "pass_rate": conditions.pass_rate,
            "seen": conditions.seen,
        },
        "n": conditions.select(problems).height,
    }


def problem_to_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `by_problem` with its shares as intervals: the form of the JSON output."""

    def rate(name: str, prefix: str) -> dict[str, Any]:
        low, high, n = (row[f"{prefix}{end}"] for end in ("low", "high", "rollouts"))
        return {
            "value": row[name],
            "low": low,
            "high": high,
            "n": n if row[name] is not None else 0,
        }

    return {
        **{name: row[name] for name in ("problem_id", "band", "seen", "groups", "rollouts")},
        "unknown": row["rollouts"] - row["known"],
        "pass_rate": rate("pass_rate", ""),
        "first": {"step": row["first_step"], **rate("first_rate", "first_")},
        "last": {"step": row["last_step"], **rate("last_rate", "last_")},
        "reward_variance": row["reward_variance"],
        "zero_variance": {
            "value": row["zero_variance"] / row["groups"],
            "n": row["groups"],
        },
        "first_right": row["first_right"],
        "first_solved": row["first_solved"],
    }
