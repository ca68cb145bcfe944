"""`mcp`: tools over the store for programs that speak the Model Context Protocol."""

from pathlib import Path

import click

from workbench.cli import chosen_folder, store_option


@click.command("mcp", short_help="Serve the store to agents by the Model Context Protocol")
@store_option
@click.pass_context
def mcp(context: click.Context, store_folder: Path | None) -> None:
    """Serve the store to agents by the Model Context Protocol, over standard input and output.

    An agent's program starts this command; docs/agents.md has the settings. Its tools only read.
    """
    from workbench.agents import serve

    serve(chosen_folder(context, store_folder))
