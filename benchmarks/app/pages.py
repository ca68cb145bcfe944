"""Every page of the app on a store of a million generations: python -m benchmarks.app.pages FOLDER

FOLDER is a store of benchmarks.app.big_store, which is made where it is missing. Three parts:

server:  the page's script in this process, as Streamlit runs it, without a browser, timed from its
         first line to its last; each address is asked for once, so that no answer is kept from the
         time before; p50 and p95 over them
browser: the real app and headless Chromium: from opening an address to the page being whole (the
         script is done, no placeholder is left, every chart has been drawn), in a tab of its own of
         a browser that has seen the page before, median of five; and once in a new browser
queries: what the pages ask, beside pandas and SQLite on the same rows, the results compared
"""

import argparse
import contextlib
import importlib
import logging
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import report
from benchmarks.app.big_store import fill
from benchmarks.app.page_addresses import visits
from benchmarks.app.page_queries import queries
from benchmarks.data.big_records import fill_records
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import open_store

ROOT = Path(__file__).parents[2]
RECORDS = "samples-stratos"
MISSING = "found no playwright; expected it for --part browser"
SEEN, VISITS = 3, 5  # a browser keeps a script compiled from its third visit on
SCREEN: Any = {"width": 1440, "height": 1000}
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WHOLE = """() => {
    const done = document.querySelector('[data-test-script-state]');
    return done?.dataset.testScriptState === 'notRunning'
        && document.querySelector('[data-testid=stMain] h1')
        && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
        && [...document.querySelectorAll('.stVegaLiteChart, .stDataFrame')]
            .filter(part => !part.closest('details:not([open])'))
            .every(part => part.querySelector('canvas, svg'));
}"""


def server(folder: Path) -> Iterator[dict[str, Any]]:
    """p50 and p95 of a rerun of each page [ms]."""
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
    from streamlit.testing.v1 import AppTest

    logging.disable(logging.WARNING)  # Streamlit misses a browser
    runs, run_script = [], ScriptRunner._run_script

    def timed(runner: ScriptRunner, *data: Any) -> None:
        began = time.perf_counter()
        run_script(runner, *data)
        runs.append(1000 * (time.perf_counter() - began))

    ScriptRunner._run_script = timed  # pyright: ignore[reportAttributeAccessIssue]
    os.environ["THINKBENCH_STORE"] = str(folder)
    for name, page in visits(folder).items():
        file = str(view_of(page.page))
        _ran(AppTest, file, {"seed": "1"})  # what a process does once: imports, reading the index
        runs.clear()
        for address in page.addresses:
            page.first()
            _ran(AppTest, file, address)
        took = sorted(runs)
        p95 = took[min(len(took) - 1, round(0.95 * (len(took) - 1)))]
        yield row(f"{name}: server, p50 of {len(took)}", round(statistics.median(took)), "ms")
        yield row(f"{name}: server, p95", round(p95), "ms")


def view_of(page: str) -> Path:
    """The script of a page: a file, or a folder with page.py."""
    views = ROOT / "workbench" / "app" / "views"
    [script] = [file for file in (views / page / "page.py", views / f"{page}.py") if file.exists()]
    return script


def _ran(kind: Any, file: str, address: dict[str, str]) -> None:
    app = kind.from_file(file, default_timeout=120)
    app.query_params.update(address)
    app.run()
    if app.exception:
        raise RuntimeError(f"{file} {address}: {app.exception[0].value}")


def browser(folder: Path) -> Iterator[dict[str, Any]]:
    """First full paint of each page [s], and the memory of the app's processes [MiB]."""
    try:  # by name: the types are checked where requirements-browser.txt is not installed too
        playwright = importlib.import_module("playwright.sync_api")
    except ImportError as error:
        raise SystemExit(f"{MISSING}: pip install -r requirements-browser.txt") from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit(
            "found no chromium; expected Debian's. Install it: apt-get install chromium"
        )
    with (
        served(folder) as (url, process),
        playwright.sync_playwright() as driver,
        tempfile.TemporaryDirectory() as profile,
    ):
        # a profile as people have one: what the browser keeps of scripts is on a disk
        context = driver.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=list(FLAGS), viewport=SCREEN
        )
        first = _painted(context, f"{url}/train")
        yield row("train: full paint, nothing in the browser's cache", round(first, 2), "s")
        for name, page in visits(folder).items():
            took = []
            for visit in range(SEEN + VISITS):
                page.first()
                query = urlencode(page.addresses[visit % len(page.addresses)])
                took.append(_painted(context, f"{url}/{page.page}?{query}"))
            yield row(f"{name}: full paint", round(statistics.median(took[SEEN:]), 2), "s")
        yield row("the app after all pages", memory(process.pid), "MiB")
        context.close()


def _painted(context: Any, url: str) -> float:
    """Seconds from the address to the whole page, in a tab of its own."""
    tab = context.new_page()
    began = time.perf_counter()
    tab.goto(url, wait_until="commit")
    tab.wait_for_function(WHOLE, timeout=120_000)
    took = time.perf_counter() - began
    tab.close()
    return took


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "workbench", "app", "--port", str(port)]
    process = subprocess.Popen([*command, "--store", str(folder)], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def memory(process: int) -> int:
    """Resident memory of a process and its children [MiB]."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20 + sum(memory(int(one)) for one in children)


def row(case: str, ours: float, unit: str) -> dict[str, Any]:
    return {"case": case, "ours": ours, "theirs": None, "unit": unit, "ratio": None}


def prepared(folder: Path, generations: int) -> None:
    """A store with that many generations, the bundled records and many made ones, converted."""
    if not (folder / "STORE.json").is_file():
        fill(open_store(folder), generations)
    store = open_store(folder)
    ingest(store, RECORDS)
    convert_source(store, RECORDS)
    fill_records(store)


PARTS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    "server": server,
    "browser": browser,
    "queries": queries,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--generations", type=int, default=1_000_000)
    parser.add_argument("--part", choices=list(PARTS), action="append", help="by default all")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    prepared(arguments.folder, arguments.generations)
    measured = [
        one for part in arguments.part or PARTS for one in PARTS[part](arguments.folder.absolute())
    ]
    measured.append(row("load of the machine", round(os.getloadavg()[0], 1), "processes"))
    report("pages", measured, arguments.json)
