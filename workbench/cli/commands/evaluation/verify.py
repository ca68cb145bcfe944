"""`verify`: compute every stored score again."""

from pathlib import Path

import click

from workbench.cli import Answer, frozen_store, verb
from workbench.cli.output.grading import scores


@verb
@click.option("--run", "run", help="one evaluation or import; by default all")
def verify(folder: Path, run: str | None) -> Answer:
    """Compute every stored score again from the texts, and report differences.

    The exit code is 1 where anything differs.
    """
    from evals.audit.verify import verify as verify_scores

    return verify_scores(frozen_store(folder), run), scores.verified
