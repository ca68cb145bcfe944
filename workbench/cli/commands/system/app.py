"""`app`: the workbench in a browser."""

from pathlib import Path

import click

from workbench.cli import chosen_folder, store_option


@click.command("app", short_help="Open the workbench in a browser, on this machine only")
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
@store_option
@click.option(
    "--address", default="127.0.0.1", show_default=True, help="network address to listen on"
)
@click.option(
    "--host", "hosts", multiple=True, help="a host name by which people reach it; may be repeated"
)
@click.option("--read-only", is_flag=True, help="people may read, but change and start nothing")
@click.pass_context
def app(
    context: click.Context,
    port: int,
    store_folder: Path | None,
    address: str,
    hosts: tuple[str, ...],
    read_only: bool,
) -> None:
    """Open the workbench in a browser, on this machine only.

    With --address others reach it too; they sign in with the secret of THINKBENCH_TOKEN.
    """
    from workbench.app import serve

    serve(chosen_folder(context, store_folder), port, address, hosts, read_only)
