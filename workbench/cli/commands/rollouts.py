"""Verbs that look into the rollouts of a GRPO run: what it could learn from, and other rewards."""

from functools import partial
from pathlib import Path

import click

from workbench.cli import Answer, verb, verbs
from workbench.cli.output import rollouts

BANDS = (
    "always 0",
    "learnable",
    "always 1",
    "forgotten",
    "unknown",
)  # evals/rollouts/learnability.py


@verb
@click.option("--run", "run", required=True, help="a run of grpo")
@click.option("--band", type=click.Choice(BANDS), help="only problems of this kind")
@click.option(
    "--pass-rate",
    nargs=2,
    type=click.FloatRange(0, 1),
    metavar="LOW HIGH",
    help="only problems of which such a share of rollouts is right, both ends wanted",
)
@click.option(
    "--seen",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="only problems that so many steps sampled, or more",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="of problems")
@click.option(
    "--ids", type=click.Path(path_type=Path), help="write all those problems there, as JSON lines"
)
@click.option("--regrade", is_flag=True, help="by the grader of today, not by the stored reward")
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
    """Say what a GRPO run could learn from each of its problems.

    How often its rollouts were right, in its first step and its last, and whether their rewards
    differ. Problems come first whose rewards differ most.
    """
    from evals.rollouts import Conditions, as_row, ledger, problems
    from workbench.cli import bars, json_lines
    from workbench.lookup import existing_store

    store, wanted = existing_store(folder), Conditions(band, pass_rate, seen)
    with json_lines(ids) as write, bars() as bar:
        found = problems(store, run, regrade=regrade, progress=bar(f"grade {run}"))
        chosen = wanted.of(found)
        for row in chosen.sort("problem_id").iter_rows(named=True) if ids else ():
            write(as_row(row))
    rows = [as_row(row) for row in chosen.head(limit).iter_rows(named=True)]
    value = {**ledger(run, found, wanted, regrade), "rows": rows, "ids": str(ids) if ids else None}
    return value, rollouts.learnability


@verbs
def rewards() -> None:
    """Try other rewards on stored rollouts, without a model."""


@partial(verb, of=rewards)
@click.option("--run", "run", required=True, help="a run of grpo")
@click.option(
    "--rewards",
    "file",
    metavar="FILE.py",
    type=click.Path(path_type=Path),
    help="Python that defines REWARDS; by default the run's own rewards",
)
@click.option(
    "--flips", type=click.Path(path_type=Path), help="write rollouts that flip there, as JSON lines"
)
def replay(folder: Path, run: str, file: Path | None, flips: Path | None) -> Answer:
    """Score the rollouts of a GRPO run again, by other rewards.

    FILE.py defines REWARDS = {"name": (weight, function), ...}, each function(text, gold, score)
    -> float: of a completion, the gold answer, and the grader's verdict (score.format,
    score.extracted, score.correct, score.partial). The file is run in this process, with all that
    you may do, because you name it here: name none that you would not run yourself.
    """
    from pipeline.train.replay import replay
    from workbench.cli import bars, json_lines
    from workbench.lookup import existing_store

    store = existing_store(folder)
    with json_lines(flips) as write, bars() as bar:
        value = replay(store, run, file, write, bar(f"score {run}"))
    return {**value, "flips": str(flips) if flips else None}, rollouts.replayed
