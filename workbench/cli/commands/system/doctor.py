"""`doctor`: what is installed, what is reachable, and the state of the store."""

from pathlib import Path

from workbench.cli import Answer, verb


@verb
def doctor(folder: Path) -> Answer:
    """Check what is installed, what is reachable, and the store."""
    from workbench import doctor
    from workbench.cli.output import doctor as output

    return doctor.report(folder), output.show_report
