"""`doctor`: what is installed, what is reachable, and the state of the store."""

from pathlib import Path

import click

from workbench.cli import Answer, verb


@verb
@click.option(
    "--devices/--no-devices",
    default=True,
    show_default=True,
    help="ask jax for its devices; a TPU that this opens cannot be opened again in some sandboxes",
)
def doctor(folder: Path, devices: bool) -> Answer:
    """Check what is installed, what is reachable, and the store."""
    from workbench import doctor
    from workbench.cli.output import doctor as output

    return doctor.report(folder, ask_devices=devices), output.show_report
