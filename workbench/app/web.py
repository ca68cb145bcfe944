"""Streamlit's command line, where Ctrl-C ends quietly and with exit code 0."""

import contextlib

import click
from streamlit.web.cli import main

if __name__ == "__main__":
    with contextlib.suppress(click.Abort):
        main(standalone_mode=False)
