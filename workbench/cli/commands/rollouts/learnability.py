"""`learnability`: which problems gave a GRPO run a signal to learn from."""

from pathlib import Path

import click

from workbench.cli import Answer, FilePath, frozen_store, limit_option, verb
from workbench.cli.output import rollouts

# as in evals/rollouts/learnability.py
BANDS = ("always 0", "learnable", "always 1", "forgotten", "unknown")


@verb
@click.option("--run", "run", required=True, help="a run of grpo, or of import-rollouts")
@click.option("--band", type=click.Choice(BANDS), help="only problems of this band")
@click.option(
    "--pass-rate",
    nargs=2,
    type=click.FloatRange(0, 1),
    metavar="LOW HIGH",
    help="only problems whose share of correct rollouts is in this range, bounds included",
)
@click.option(
    "--seen",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="only problems that at least so many steps sampled",
)
@limit_option
@click.option("--ids", type=FilePath(), help="write these problems to a new .jsonl file")
@click.option(
    "--regrade",
    is_flag=True,
    help="grade again instead of reading the stored rewards; always so for imports",
)
def learnability(
    folder: Path,
    run: str,
    band: str | None,
    pass_rate: tuple[float, float] | None,
    seen: int,
    limit: int,
    ids: Path | None,
    regrade: bool,
) -> Answer:
    """Report what a GRPO run could learn from each of its problems.

    For each problem: the share of correct rollouts in its first and its last step, and whether its
    rewards differ within a group. The problems with the highest reward variance come first.
    """
    from evals.rollouts import (
        Conditions,
        learnability_summary,
        problem_to_json,
        problems,
        verdicts_by,
    )
    from workbench.cli import bars, json_lines

    store, conditions = frozen_store(folder), Conditions(band, pass_rate, seen)
    with json_lines(ids) as write, bars() as bar:
        sampled = problems(store, run, regrade=regrade, progress=bar(f"grade {run}"))
        chosen = conditions.select(sampled)
        for row in chosen.sort("problem_id").iter_rows(named=True) if ids else ():
            write(problem_to_json(row))
    rows = [problem_to_json(row) for row in chosen.head(limit).iter_rows(named=True)]
    by = verdicts_by(store, run, regrade)
    summary = learnability_summary(run, sampled, conditions, by)
    return {**summary, "rows": rows, "ids": str(ids) if ids else None}, rollouts.learnability
