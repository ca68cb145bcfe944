"""thinkbench: teach a small language model to think step by step, and see what that changed."""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.config import EvalConfig, GrpoConfig, SftConfig
from workbench import printed
from workbench.boundary import BadInput, exit_code
from workbench.flags import knobs
from workbench.jobs import job_of, training

# What a command gives back: the object of --json, and what prints it for people.
Answer = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]


SHAPES = ("stratos", "gsm8k", "messages", "completion")  # data/shapes.py, not loaded for --help

GRADERS = ("strict", "lenient", "notebook")  # evals/graders.py


class InFlowOrder(click.Group):
    """Lists the verbs in the order that data flows, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=InFlowOrder, context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="THINKBENCH_STORE",
    default=Path("store"),
    show_default=True,
    show_envvar=True,
    help="folder that keeps everything",
)
@click.version_option(package_name="thinkbench")
@click.pass_context
def thinkbench(context: click.Context, store: Path) -> None:
    context.obj = store


def verb(command: Callable[..., Answer]) -> click.Command:
    """Make `command(folder, ...)` a verb with --store and --json.

    With --json nothing but the object reaches standard output: what libraries print there goes
    to standard error.
    """

    def answered(*, here: Path | None, as_json: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        if here is not None:
            context.find_root().obj = here
        folder = context.find_root().obj
        if not as_json:
            value, show = command(folder, **arguments)
            show(value)
            return
        with contextlib.redirect_stdout(sys.stderr):
            value, _ = command(folder, **arguments)
        print(json.dumps(value, allow_nan=False), flush=True)

    answered.__doc__ = command.__doc__
    # options given before this one to `command` itself
    answered.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
    where = click.Path(path_type=Path, file_okay=False)
    answered = click.option("--json", "as_json", is_flag=True, help="print one JSON object")(
        answered
    )
    answered = click.option("--store", "here", type=where, help="as before the verb")(answered)
    return thinkbench.command(command.__name__.rstrip("_"))(answered)


@verb
@click.argument("source")
@click.option(
    "--from", "path", type=click.Path(path_type=Path), help="file or folder; else from the hub"
)
@click.option("--shape", type=click.Choice(SHAPES), help="of rows of your own")
def ingest(folder: Path, source: str, path: Path | None, shape: str | None) -> Answer:
    """Read rows of SOURCE into the store. Doing it twice adds nothing.

    SOURCE is stratos, gsm8k, samples-stratos or samples-gsm8k; or a name for rows of your own, with
    --from and --shape.
    """
    from data import sources
    from data.store import open_store

    sources.check(source, path, shape)  # before there is a store: a typo makes none
    counts = sources.ingest(open_store(folder), source, path, shape)
    return counts, printed.counts(f"Ingested {source}")


@verb
@click.argument("what", metavar="SOURCE|FILE")
@click.option("--shape", type=click.Choice(SHAPES), help="of the rows of FILE")
@click.option("--rule", "rules", multiple=True, help="a named repair; none by default")
@click.option(
    "--dialects",
    "table",
    type=click.Path(path_type=Path),
    help="a .toml file with your dialects",
)
def convert(
    folder: Path, what: str, shape: str | None, rules: tuple[str, ...], table: Path | None
) -> Answer:
    """Turn rows of SOURCE, or of a FILE with --shape, into examples.

    SOURCE is ingested before. Every row is counted: converted, quarantined or rejected.
    """
    from data import dialects
    from data.conversions import convert_file, convert_source
    from workbench.bars import bars
    from workbench.stores import existing_store

    if table is not None:
        dialects.use(table)
    path = Path(what)
    # a folder may bear the name of a source
    if shape is None and path.exists() and (what != path.name or not path.is_dir()):
        raise BadInput(
            f"{what} is a place on the disk; expected the name of a source. To convert its rows"
            f" say what they are: add --shape {'|'.join(SHAPES)}"
        )
    with bars() as bar:
        if shape is not None:
            value = convert_file(path, shape, frozenset(rules), bar(f"convert {what}"))
        else:
            store = existing_store(folder)
            value = convert_source(store, what, frozenset(rules), bar(f"convert {what}"))
    return value, printed.counts(f"Converted {what}")


@verb
@click.argument("source")
@click.option(
    "--diff", nargs=2, metavar="FIRST SECOND", help="two converters: which rows they differ in"
)
@click.option("--model", help="run, 'tiny', folder or hub id: what its trainer would see")
@click.option(
    "--export", type=click.Path(path_type=Path), help="new folder: Parquet, JSONL, HTML report"
)
def audit(
    folder: Path,
    source: str,
    diff: tuple[str, str] | None,
    model: str | None,
    export: Path | None,
) -> Answer:
    """Say which rows of SOURCE were kept, and why others were not.

    Where SOURCE was converted by several converters the newest counts.
    """
    from workbench import audits
    from workbench.stores import existing_store

    store = existing_store(folder)
    if diff:
        return audits.diff(store, source, *diff)
    return audits.summary(store, source, model, export)


@verb
@training
@knobs(SftConfig, "sft")
@click.option("--model", help="run, 'tiny', folder or hub id; by default the preset's")
def sft(folder: Path, model: str | None, **chosen: Any) -> Answer:
    """Teach the format: supervised fine-tuning on the preset's records."""
    with job_of(folder, **chosen) as job:
        from pipeline import stages
        from workbench.stores import start

        begin = start(job.store, model or job.preset.model.model)
        stages.models.checked(begin.model)  # before any row is read
        counts = stages.prepare(job)
        converter = counts[job.preset.data.records]["convert"]["converter"]
        done = stages.train_sft(job, begin.model, converter)
    return {"run": done.run, **done.summary}, printed.counts("SFT")


@verb
@training
@knobs(GrpoConfig, "grpo")
@click.option("--model", help="run, 'tiny', folder or hub id; by default the newest sft run")
def grpo(folder: Path, model: str | None, **chosen: Any) -> Answer:
    """Strengthen the reasoning: GRPO on the preset's train problems."""
    with job_of(folder, **chosen) as job:
        from pipeline import stages
        from workbench.stores import latest, start

        begin = start(job.store, model) if model else latest(job.store, "sft")
        stages.models.checked(begin.model)
        stages.prepare(job)
        done = stages.train_grpo(job, begin.model, begin.run)
    return {"run": done.run, **done.summary}, printed.counts("GRPO")


@verb
@training
@knobs(EvalConfig, "eval")
@click.option("--model", help="run, 'tiny', folder or hub id; by default the preset's")
def eval_(folder: Path, model: str | None, **chosen: Any) -> Answer:
    """Answer the test problems with a model, and grade the answers."""
    with job_of(folder, **chosen) as job:
        from evals import report
        from pipeline import stages
        from workbench.stores import start

        begin = start(job.store, model or job.preset.model.model)
        stages.models.checked(begin.model)
        stages.prepare(job)
        done = stages.evaluate(job, begin.stage, begin.model, begin.run)
        rows = report.stages(job.store, [done.run], job.preset.eval.grader)
    value = {"run": done.run, **done.summary, "stages": rows}
    return value, lambda value: printed.show(printed.stages(value["stages"]))


@verb
@click.option("--run", "run", required=True, help="an evaluation or import")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def grade(folder: Path, run: str, grader: str) -> Answer:
    """Grade the generations of a run by another rule, without a model."""
    from evals.report import grade_run
    from workbench.stores import existing_store

    return grade_run(existing_store(folder), run, grader), printed.graded


@verb
@click.argument("run_a")
@click.argument("run_b")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def compare(folder: Path, run_a: str, run_b: str, grader: str) -> Answer:
    """Compare RUN_A with RUN_B on the problems that both answered.

    A run that holds several stages is named as RUN/STAGE.
    """
    from evals.report import compare
    from workbench.stores import existing_store

    return compare(existing_store(folder), run_a, run_b, grader), printed.compared


@verb
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="of the run that the generations become")
def import_(folder: Path, file: Path, name: str) -> Answer:
    """Read generations made elsewhere.

    FILE has one JSON object a line: problem_id, question, gold and text; a stage, a sample and a
    label may follow.
    """
    from data.store import open_store
    from evals.imports import import_file

    return import_file(open_store(folder), file, name), printed.counts(f"Imported {file.name}")


@verb
@training
@click.option("--model", help="run, 'tiny', folder or hub id; by default the newest grpo run")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="folder to write")
def export(folder: Path, model: str | None, out: Path | None, **chosen: Any) -> Answer:
    """Write a model as a Hugging Face folder, and check it.

    What the folder generates is compared with what the model in memory does.
    """
    with job_of(folder, **chosen) as job:
        from pipeline import stages
        from workbench.stores import latest, start

        begin = start(job.store, model) if model else latest(job.store, "grpo")
        stages.models.checked(begin.model)
        stages.prepare(job)
        target = out or folder / "exports" / (begin.run or Path(begin.model).name)
        done = stages.export_model(job, begin.model, target, begin.run)
    return {"run": done.run, **done.summary}, printed.counts("Exported")


@verb
@training
def run(folder: Path, **chosen: Any) -> Answer:
    """The whole job, from rows to an exported model.

    Ingest, convert, evaluate, SFT, evaluate, GRPO, evaluate, export.
    """
    with job_of(folder, **chosen) as job:
        from pipeline import stages

        value = stages.run_all(job)
    return value, printed.run_result


@thinkbench.command()
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--store", "here", type=click.Path(path_type=Path, file_okay=False), help="as before the verb"
)
@click.pass_context
def app(context: click.Context, port: int, here: Path | None) -> None:
    """Open the workbench in a browser, on this machine only."""
    from workbench.serve import serve

    serve(here or context.find_root().obj, port)


@verb
def doctor(folder: Path) -> Answer:
    """Say what is installed, what can be reached, and how the store is."""
    from workbench import doctor

    return doctor.report(folder), doctor.show


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; see workbench/boundary.py."""
    sys.exit(
        exit_code(lambda: thinkbench.main(arguments, prog_name="thinkbench", standalone_mode=False))
    )
