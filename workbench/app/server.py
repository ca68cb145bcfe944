"""Starts the app: reachable from this machine only, unless people sign in; sends no statistics."""

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
MAKE_TOKEN = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


def command(port: int, address: str = "127.0.0.1") -> list[str]:
    """The command line that serves the app on `port`."""
    flags = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",  # does not ask for an e-mail address at the first start
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": address,
        "client.showErrorLinks": "false",  # to search engines, with the error in the address
        "client.toolbarMode": "minimal",  # no button to deploy the app
        "server.fileWatcherType": "none",  # training writes many files
    }
    options = [word for name, value in flags.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "workbench.app.web", "run", str(APP), *options]


def environment_of(
    folder: Path, address: str, hosts: tuple[str, ...], read_only: bool, token: str
) -> dict[str, str]:
    """The environment that passes its store and its access rules to the app.

    An address that other machines can reach needs a token, and the host names they use.
    """
    environment = {"THINKBENCH_STORE": str(folder.absolute()), "THINKBENCH_HOSTS": ""}
    environment["THINKBENCH_READ_ONLY"] = "1" if read_only else ""
    if token and len(token) < SHORTEST:
        raise UserError(
            f"THINKBENCH_TOKEN has {len(token)} characters, expected {SHORTEST} or more. Create"
            f" one: {MAKE_TOKEN}"
        )
    names = [name_in_browser(host) for host in hosts]
    if is_loopback(address):
        from workbench.app.auth import LOOPBACK

        names = list(dict.fromkeys([*LOOPBACK, name_in_browser(address), *names]))
    else:
        if not token:
            raise UserError(
                f"other machines can reach {address}, and no sign-in is set up. Set"
                f" THINKBENCH_TOKEN to a secret of {SHORTEST} characters or more ({MAKE_TOKEN}), or"
                " leave --address out and reach this machine by ssh -L"
            )
        if not ipaddress.ip_address(address).is_unspecified:  # 0.0.0.0 and :: are no names
            names.append(name_in_browser(address))
        if not names:
            raise UserError(
                f"{address} is not a host name. Give the names by which people reach the app:"
                " --host tb.example.org"
            )
    return environment | {"THINKBENCH_HOSTS": ",".join(names)}


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
    """`host` as in a Host header: no port, lower case, IPv6 compressed and in brackets."""
    from workbench.app.auth import name_of

    bare = name_of(host.strip()).strip("[]") if host.strip().startswith("[") else host.strip()
    try:
        ip = ipaddress.ip_address(bare)
    except ValueError:
        return name_of(bare)
    return f"[{ip.compressed}]" if ip.version == 6 else str(ip)


def serve(
    folder: Path,
    port: int,
    address: str = "127.0.0.1",
    hosts: tuple[str, ...] = (),
    read_only: bool = False,
) -> NoReturn:
    """Replace this process by the server of the store in `folder`, until Ctrl-C."""
    token = os.environ.get("THINKBENCH_TOKEN", "")
    environment = environment_of(folder, address, hosts, read_only, token)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(
        family
    ) as probe:  # checked here, because Streamlit would fail with its own message
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    os.execve(sys.executable, command(port, address), os.environ | environment | import_path())
