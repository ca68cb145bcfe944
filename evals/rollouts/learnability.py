"""What a GRPO run could learn from each problem: how often it was right, and whether groups differ.

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
from evals.rollouts.read import ANSWER, GRADER, regraded_verdicts, stored_verdicts
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
    """Which problems are wanted: all that hold; None where anything will do.

    pass_rate: lowest and highest share of right rollouts, both ends wanted
    seen:      in so many steps at least
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
                    f"pass rates of {low} to {high} are no range; expected two numbers from 0 to 1,"
                    " the lower one first."
                )

    def of(self, problems: pl.DataFrame) -> pl.DataFrame:
        """Those of `by_problem` for which all hold. An unknown pass rate is in no range."""
        kept = problems.filter(pl.col("seen") >= self.seen)
        if self.band is not None:
            kept = kept.filter(band=self.band)
        if self.pass_rate is not None:
            kept = kept.filter(pl.col("pass_rate").is_between(*self.pass_rate))
        return kept


def by_problem(rollouts: pl.DataFrame) -> pl.DataFrame:
    """A row a problem, those first whose groups differ most.

    rollouts: problem_id, step, group, reward, right (null: unknown)
    returns:  problem_id, band
              seen [steps], groups, rollouts, known, right [rollouts]
              pass_rate, low, high          of all known rollouts; null where none is known
              first_step, first_known, first_rate, first_low, first_high    of its first visit
              last_step, last_known, last_rate, last_low, last_high         of its last
              reward_variance               mean over its groups; null where each has one rollout
              zero_variance                 groups whose rewards are all the same
              first_right, first_solved     first steps with one right rollout, with more than half
    """
    groups = rollouts.group_by("problem_id", "step", "group").agg(
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
        *(pl.col(name).first().alias(f"first_{name}") for name in ("step", "known")),
        *(pl.col(name).last().alias(f"last_{name}") for name in ("step", *counts)),
        pl.col("right").first().alias("of_first"),
        pl.col("step").filter(pl.col("right") > 0).first().alias("first_right"),
        pl.col("step").filter("solved").first().alias("first_solved"),
    )
    found = problems.join(spread, on="problem_id").with_columns(_band().alias("band"))
    for prefix, right, known in (
        ("", "right", "known"),
        ("first_", "of_first", "first_known"),
        ("last_", "last_right", "last_known"),
    ):
        found = _with_rates(found, prefix, right, known)
    return found.drop("of_first", "last_right", "last_rollouts").sort(
        "reward_variance", "problem_id", descending=[True, False], nulls_last=True
    )


def _band() -> pl.Expr:
    known, right = pl.col("known"), pl.col("right")
    none_left = (pl.col("last_right") == 0) & (pl.col("last_known") == pl.col("last_rollouts"))
    solved_before = (pl.col("first_solved") < pl.col("last_step")).fill_null(False)
    return (
        pl.when(solved_before & none_left)
        .then(pl.lit("forgotten"))
        .when((right > 0) & (right < known))
        .then(pl.lit("learnable"))
        .when(known < pl.col("rollouts"))
        .then(pl.lit("unknown"))
        .when(right == 0)
        .then(pl.lit("always 0"))
        .otherwise(pl.lit("always 1"))
    )


def _with_rates(found: pl.DataFrame, prefix: str, right: str, known: str) -> pl.DataFrame:
    """With the share of `known` that is `right`, and Wilson's interval of it."""
    successes, n = found[right].to_numpy(), found[known].to_numpy()
    low, high = wilson_bounds(successes, n)
    rate = "pass_rate" if not prefix else f"{prefix}rate"
    return found.with_columns(
        (pl.col(right) / pl.col(known)).fill_nan(None).alias(rate),
        pl.Series(f"{prefix}low", low).fill_nan(None),
        pl.Series(f"{prefix}high", high).fill_nan(None),
    )


def problems(
    store: Store, run: str, *, regrade: bool = False, progress: Progress | None = None
) -> pl.DataFrame:
    """`by_problem` over the stored rollouts of `run`.

    regrade: by the grader of today, instead of by the stored reward
    """
    if regrade:
        return by_problem(regraded_verdicts(store, run, progress))
    return by_problem(stored_verdicts(store, run))


def problems_in(
    store: Store,
    run: str,
    band: str | None = None,
    pass_rate: tuple[float, float] | None = None,
    seen: int = 1,
) -> list[str]:
    """The ids, in their order, of the problems of `run` for which all `Conditions` hold."""
    wanted = Conditions(band, pass_rate, seen)
    return wanted.of(problems(store, run)).sort("problem_id")["problem_id"].to_list()


def ledger(run: str, found: pl.DataFrame, wanted: Conditions, regraded: bool) -> dict[str, Any]:
    """The object of `thinkbench learnability`, but for its rows.

    found: of `problems`. n counts the problems for which the conditions hold.
    pass_rate, zero_variance: means over problems, of their rollouts and of their groups
    bands: shares of all problems
    """
    rates = found["pass_rate"].drop_nulls().to_numpy()
    flat = found["zero_variance"] / found["groups"]
    held = dict(found["band"].value_counts().iter_rows())
    rule = GRADERS[GRADER]
    return {
        "run": run,
        "verdicts": f"{rule.name} {rule.version}" if regraded else f"the stored reward {ANSWER!r}",
        "problems": found.height,
        "groups": int(found["groups"].sum()),
        "rollouts": int(found["rollouts"].sum()),
        "unknown": int((found["rollouts"] - found["known"]).sum()),
        "pass_rate": mean_of_clusters(rates).to_json(),
        "zero_variance": mean_of_clusters(flat.to_numpy()).to_json(),
        "bands": {
            band: {"means": means, **wilson(held.get(band, 0), found.height).to_json()}
            for band, means in BANDS.items()
        },
        "conditions": {"band": wanted.band, "pass_rate": wanted.pass_rate, "seen": wanted.seen},
        "n": wanted.of(found).height,
    }


def as_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `by_problem` with its shares as intervals: the form that programs read."""

    def rate(name: str, prefix: str) -> dict[str, Any]:
        low, high, n = (row[f"{prefix}{end}"] for end in ("low", "high", "known"))
        return {"value": row[name], "low": low, "high": high, "n": n}

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
