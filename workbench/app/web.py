"""Streamlit's command line, where Ctrl-C is a quiet end and no failure."""

import contextlib

import click
from streamlit.web.cli import main

if __name__ == "__main__":
    with contextlib.suppress(click.Abort):
        main(standalone_mode=False)
