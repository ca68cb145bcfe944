"""What journeys in a real browser need: the app on a store, and a page that has drawn all of it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT
from tests.workbench.app.test_main import free_port
from workbench.cli.main import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"
)
SLOW = 30_000  # [ms] of one step of a journey, on a machine that does other work
POLL = 50  # [ms]; else a browser draws a frame for each look
TALLEST = 2_200  # [pixels] of a picture


def thinkbench(store: Path, *words: str) -> None:
    """Run a command line in this process: a dozen of their own take a minute to start."""
    with pytest.raises(SystemExit) as ended:
        main(["--store", str(store), *words])
    assert not ended.value.code, words


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


# as Back and Forward do it, without loading the app anew: most of a browser's work for a page
FOLLOW = """url => {
  const app = document.querySelector('[data-test-script-state]')
  window.hasRun = false
  new MutationObserver((changes, observer) => {  // also where it has ended by now
    window.hasRun = true
    observer.disconnect()
  }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] })
  history.pushState({}, '', url)
  window.dispatchEvent(new PopStateEvent('popstate', { state: {} }))
}"""


def visit(page, address: str) -> None:
    """Go from a page of the app to another address of it, and wait until that is drawn."""
    page.evaluate(FOLLOW, address)
    page.wait_for_function("() => window.hasRun", polling=POLL)
    ready(page)


def ready(page) -> None:
    """Wait until the page has drawn all that it was asked for."""
    page.wait_for_selector("[data-testid=stMain] h1")
    page.wait_for_function(
        "() => document.querySelector('[data-test-script-state]')"
        "?.dataset.testScriptState === 'notRunning'",
        polling=POLL,
    )
    assert page.locator("[data-testid=stException]").all_inner_texts() == []


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
