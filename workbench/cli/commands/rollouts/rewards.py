"""`rewards replay`: other rewards on the stored rollouts of a GRPO run."""

from pathlib import Path

import click

from workbench.cli import Answer, FilePath, frozen_store, verb, verb_group
from workbench.cli.output import rollouts

group = verb_group("rewards", "Try other rewards on stored rollouts, without a model.")


@click.option("--run", "run", required=True, help="a run of grpo, or of import-rollouts")
@click.option(
    "--rewards",
    "file",
    metavar="FILE.py",
    type=FilePath(),
    help="Python that defines REWARDS; by default the run's own rewards",
)
@click.option(
    "--flips",
    type=FilePath(),
    help="write the rollouts whose advantage changes its sign to a new .jsonl file",
)
def replay(folder: Path, run: str, file: Path | None, flips: Path | None) -> Answer:
    """Score the rollouts of a GRPO run again, with other rewards.

    FILE.py defines REWARDS = {"name": (weight, function), ...}, each function(text, gold, score)
    -> float: of a completion, the reference answer, and the grader's verdict (score.format,
    score.extracted, score.correct, score.partial). The file runs in this process, with all your
    permissions: name none that you would not run yourself.
    """
    from pipeline.train.rewards import replay as replay_rewards
    from workbench.cli import bars, json_lines

    store = frozen_store(folder)
    with json_lines(flips) as write, bars() as bar:
        value = replay_rewards(store, run, file, write, bar(f"score {run}"))
    return {**value, "flips": str(flips) if flips else None}, rollouts.replayed


group.add_command(verb(replay))
