"""`quarantine` and `release`: decide by hand whether a row is trained on."""

from collections.abc import Callable
from pathlib import Path

import click

from workbench.cli import Answer, author_option, reason_option, verb
from workbench.cli.output import tables


def review(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The arguments of both commands."""
    return click.argument("record")(reason_option(author_option(command)))


@verb
@review
def quarantine(folder: Path, record: str, reason: str, author: str) -> Answer:
    """Exclude a row from training.

    RECORD is an id or the beginning of one. The decision is stored with author and reason.
    """
    from data.audit import quarantine as decisions
    from workbench.lookup import existing_store

    value = decisions.quarantine(existing_store(folder), record, reason, author)
    return value, tables.counts("Quarantined")


@verb
@review
def release(folder: Path, record: str, reason: str, author: str) -> Answer:
    """Restore a quarantined row to training.

    RECORD is an id or the beginning of one. The text between its tags becomes an example, whatever
    other defects it has.
    """
    from data.audit import quarantine as decisions
    from workbench.lookup import existing_store

    value = decisions.release(existing_store(folder), record, reason, author)
    return value, tables.counts("Released")
