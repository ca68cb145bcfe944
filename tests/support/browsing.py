"""What journeys in a real browser need: the app on a store, and a page that has drawn all of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests import ROOT
from tests.workbench.app.test_main import free_port

TALLEST = 2_200  # [pixels] of a picture


def thinkbench(store: Path, *words: str) -> None:
    command = [sys.executable, "-m", "workbench", "--store", str(store), *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


@contextlib.contextmanager
def served(store: Path) -> Iterator[str]:
    """The address of the app on `store`."""
    port = free_port()
    command = [sys.executable, "-m", "workbench", "app", "--port", str(port), "--store", str(store)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def ready(page) -> None:
    """Wait until the page has drawn all that it was asked for."""
    page.wait_for_selector("[data-testid=stMain] h1")
    page.wait_for_function(
        "() => document.querySelector('[data-test-script-state]')"
        "?.dataset.testScriptState === 'notRunning'"
    )
    assert page.locator("[data-testid=stException]").count() == 0


def picture(page, name: str) -> None:
    """The whole page, down to its end or to TALLEST."""
    folder = os.environ.get("THINKBENCH_SCREENSHOTS")
    if folder is None:
        return
    page.wait_for_timeout(800)  # charts and tables are drawn after the page
    before = page.viewport_size
    inside = "document.querySelector('[data-testid=stMain]').scrollHeight"
    tall = min(max(page.evaluate(inside), before["height"]), TALLEST)
    page.set_viewport_size({**before, "height": tall})
    page.wait_for_timeout(1_500)  # they are drawn anew
    page.screenshot(path=Path(folder) / f"{name}.png")
    page.set_viewport_size(before)


def at_address(page, generation: str) -> None:
    """Wait until the address names the generation."""
    page.wait_for_function(
        "id => new URL(location).searchParams.get('generation') === id", arg=generation
    )
