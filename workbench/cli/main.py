"""The command `thinkbench`: its commands in the order in which data flows."""

import sys
from pathlib import Path

import click

from workbench.cli.commands.data import (
    audit,
    convert,
    ingest,
    lineage,
    overlap,
    quarantine,
    subset,
)
from workbench.cli.commands.evaluation import (
    compare,
    eval as eval_command,
    failures,
    grade,
    import_generations,
    judge,
    override,
    similarity,
    transitions,
    verify,
)
from workbench.cli.commands.models import ask, tokens
from workbench.cli.commands.rollouts import browse, import_rollouts, learnability, rewards
from workbench.cli.commands.sharing import handover, push, report
from workbench.cli.commands.system import (
    app,
    doctor,
    jobs,
    mcp,
    runs,
    sql,
    store as store_command,
)
from workbench.cli.commands.training import (
    ab,
    dpo,
    export,
    grpo,
    preflight,
    run,
    sft,
)
from workbench.cli.errors import exit_code
from workbench.cli.options import Folder

COMMANDS = (
    ingest.ingest,
    convert.convert,
    audit.audit,
    quarantine.quarantine,
    quarantine.release,
    subset.group,
    preflight.preflight,
    sft.sft,
    dpo.dpo,
    grpo.grpo,
    eval_command.eval_,
    ask.ask,
    tokens.tokens,
    export.export,
    run.run,
    ab.ab,
    grade.grade,
    judge.group,
    failures.failures,
    similarity.search,
    similarity.more_like,
    similarity.clusters,
    override.override,
    compare.compare,
    transitions.transitions,
    overlap.overlap,
    import_generations.import_,
    import_rollouts.import_rollouts,
    verify.verify,
    lineage.lineage,
    report.report,
    browse.group,
    learnability.learnability,
    rewards.group,
    runs.group,
    sql.sql,
    mcp.mcp,
    store_command.group,
    handover.pack,
    handover.unpack,
    push.push,
    jobs.group,
    app.app,
    doctor.doctor,
)


class InFlowOrder(click.Group):
    """Lists the commands in the order in which data flows, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=InFlowOrder,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--store",
    type=Folder(),
    envvar="THINKBENCH_STORE",
    default=Path("store"),
    show_default=True,
    show_envvar=True,
    help="folder of the store, which holds all data and results",
)
@click.version_option(package_name="thinkbench")
@click.pass_context
def thinkbench(context: click.Context, store: Path) -> None:
    """Teach a small language model to reason step by step, and measure what that changed."""
    context.obj = store


for command in COMMANDS:
    thinkbench.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; see workbench/cli/errors.py."""
    sys.exit(
        exit_code(lambda: thinkbench.main(arguments, prog_name="thinkbench", standalone_mode=False))
    )
