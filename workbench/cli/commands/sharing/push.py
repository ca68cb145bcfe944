"""`push`: a subset, a model or an evaluation to a hub, or as the folder that would go there."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, Folder, frozen_store, verb
from workbench.cli.output import tables

KINDS = ("subset", "model", "evaluation")


@verb
@click.argument("what", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--to", required=True, help="huggingface:OWNER/NAME or kaggle:OWNER/NAME")
@click.option("--dry-run", is_flag=True, help="send nothing; write to --out what would be sent")
@click.option("--out", type=Folder(), help="new folder, for --dry-run")
@click.option("--adapter", is_flag=True, help="of a model: what `export --as adapter` wrote")
@click.option("--private/--public", default=True, show_default=True, help="of a new repository")
def push(
    folder: Path,
    what: str,
    name: str,
    to: str,
    dry_run: bool,
    out: Path | None,
    adapter: bool,
    private: bool,
) -> Answer:
    """Publish a subset, the export of a run, or an evaluation, with a card of what made it.

    NAME is a subset (NAME[@VERSION]) or a run. Without --dry-run it goes to Hugging Face.
    """
    from workbench.hub import push as hub

    if dry_run != (out is not None):
        raise click.UsageError("--dry-run and --out FOLDER belong together")
    if adapter and what != "model":
        raise click.UsageError("--adapter belongs to push model")
    store = frozen_store(folder)
    what = "adapter" if adapter else what
    value: dict[str, Any]
    if out is not None:
        value = hub.write_folder(store, what, name, to, out)
    else:
        value = hub.push(store, what, name, to, private)
    return value, tables.counts("Published" if out is None else "Not sent")
