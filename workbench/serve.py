"""Starts the app: Streamlit on this machine's own address, with nothing sent anywhere."""

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

APP = Path(__file__).parent / "app.py"


def command(port: int) -> list[str]:
    """The command line that serves the app on `port`."""
    flags = {
        "server.address": "127.0.0.1",  # never to the network: the app has no accounts
        "server.port": str(port),
        "server.headless": "true",  # asks no e-mail address at the first start
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": "127.0.0.1",
        "client.toolbarMode": "minimal",  # no button that deploys to somewhere else
        "server.fileWatcherType": "none",  # training writes many files
    }
    options = [word for name, value in flags.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *options]


def serve(folder: Path, port: int) -> NoReturn:
    """Become the server of the store in `folder`, until Ctrl-C."""
    with socket.socket() as probe:  # said here: Streamlit would end with a line of its own
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    environment = os.environ | {"THINKBENCH_STORE": str(folder.absolute())}
    os.execve(sys.executable, command(port), environment)
