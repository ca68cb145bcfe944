"""`pack` and `unpack`: a store in one archive, for another machine or the next session."""

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, FilePath, Size, verb
from workbench.cli.output import tables
from workbench.formatting import size_text, visible


@verb
@click.argument("out", type=FilePath(dir_okay=False))
@click.option(
    "--limit",
    type=Size(),
    default="19.5GB",
    show_default=True,
    help="of the archive; what is not needed to go on is left out to fit",
)
@click.option("--overwrite", is_flag=True, help="replace OUT, when the new archive is whole")
@click.option("--dry-run", is_flag=True, help="only say what would be packed, and its size")
def pack(folder: Path, out: Path, limit: int, overwrite: bool, dry_run: bool) -> Answer:
    """Pack the store into one file: rows, what resumes runs, models, exports.

    Unpack it anywhere with `thinkbench unpack OUT`; the same command then resumes the run. An
    interrupted packing leaves an earlier OUT as it was.
    """
    from workbench.cli import bars
    from workbench.handover import Plan, pack_store
    from workbench.lookup import existing_store

    def tell(plan: Plan) -> None:
        verb = "Would pack" if dry_run else "Packing"
        print(f"{verb} {size_text(plan.size)} (limit {size_text(limit)})", file=sys.stderr)

    with bars() as bar:
        value = pack_store(
            existing_store(folder),
            out,
            limit,
            overwrite=overwrite,
            dry_run=dry_run,
            tell=tell,
            progress=bar("pack [MiB]"),
        )
    return value, show_pack


@verb
@click.argument("archive", type=FilePath())
def unpack(folder: Path, archive: Path) -> Answer:
    """Make the store of an archive in the folder --store, which must be new or empty.

    Every file is checked against its hash first; an interrupted unpacking leaves no store.
    """
    from workbench.cli import bars
    from workbench.handover import unpack_store

    with bars() as bar:
        value = unpack_store(archive, folder, bar("unpack [MiB]"))
    return value, show_unpack


def show_pack(value: dict[str, Any]) -> None:
    _show_pieces(value, f"{value['path']}: {size_text(value['bytes'])}")


def show_unpack(value: dict[str, Any]) -> None:
    _show_pieces(value, f"{value['store']}: packed at {value['packed_at']}")


def _show_pieces(value: dict[str, Any], title: str) -> None:
    rows = [
        *([name, size_text(size)] for name, size in value["packed"].items()),
        *([name, f"{size_text(size)}, left out"] for name, size in value["left_out"].items()),
    ]
    tables.show(tables.table(visible(title), ["what", "size"], rows))
