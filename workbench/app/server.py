"""Starts the app: on this machine only, unless people sign in; nothing is sent anywhere."""

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from data.errors import UserError
from workbench.jobs import import_path

APP = Path(__file__).parent / "asgi.py"
SHORTEST = 20  # characters of a token
MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


def command(port: int, address: str = "127.0.0.1") -> list[str]:
    """The command line that serves the app on `port`."""
    flags = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",  # asks no e-mail address at the first start
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": address,
        "client.toolbarMode": "minimal",  # no button that deploys to somewhere else
        "server.fileWatcherType": "none",  # training writes many files
    }
    options = [word for name, value in flags.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "workbench.app.web", "run", str(APP), *options]


def environment_of(
    folder: Path, address: str, hosts: tuple[str, ...], read_only: bool, token: str
) -> dict[str, str]:
    """What tells the app its store and who may reach it.

    An address that others can reach needs a token, and the names by which they reach it.
    """
    found = {"THINKBENCH_STORE": str(folder.absolute()), "THINKBENCH_HOSTS": ""}
    found["THINKBENCH_READ_ONLY"] = "1" if read_only else ""
    if token and len(token) < SHORTEST:
        raise UserError(
            f"THINKBENCH_TOKEN has {len(token)} characters, expected {SHORTEST} or more. Make one:"
            f" {MAKE_ONE}"
        )
    names = [name_in_browser(host) for host in hosts]
    if is_loopback(address):
        from workbench.app.auth import LOOPBACK

        names = list(dict.fromkeys([*LOOPBACK, name_in_browser(address), *names]))
    else:
        if not token:
            raise UserError(
                f"others can reach {address}, and nobody would have to sign in. Set"
                f" THINKBENCH_TOKEN to a secret of {SHORTEST} characters or more ({MAKE_ONE}), or"
                " leave --address out and reach this machine by ssh -L"
            )
        if not ipaddress.ip_address(address).is_unspecified:  # 0.0.0.0 and :: are no names
            names.append(name_in_browser(address))
        if not names:
            raise UserError(
                f"{address} has no name of its own. Say by which names people reach the app:"
                " --host tb.example.org"
            )
    return found | {"THINKBENCH_HOSTS": ",".join(names)}


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach `address`."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise UserError(
            f"--address is {address!r}; expected an address of this machine, such as 127.0.0.1"
        ) from error


def name_in_browser(host: str) -> str:
    """`host` as the Host of a request has it: no port, lower case, IPv6 in brackets and short."""
    from workbench.app.auth import name_of

    bare = name_of(host.strip()).strip("[]") if host.strip().startswith("[") else host.strip()
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return name_of(bare)
    return f"[{found.compressed}]" if found.version == 6 else str(found)


def serve(
    folder: Path,
    port: int,
    address: str = "127.0.0.1",
    hosts: tuple[str, ...] = (),
    read_only: bool = False,
) -> NoReturn:
    """Become the server of the store in `folder`, until Ctrl-C."""
    token = os.environ.get("THINKBENCH_TOKEN", "")
    told = environment_of(folder, address, hosts, read_only, token)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:  # said here: Streamlit would end with a line of its own
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    os.execve(sys.executable, command(port, address), os.environ | told | import_path())
