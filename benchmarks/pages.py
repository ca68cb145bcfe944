"""Every page of the app on a store of a million generations: python -m benchmarks.pages FOLDER

FOLDER is a store of benchmarks.big_store, which is made where it is missing. Three parts:

server:  the page's script in this process, as Streamlit runs it, without a browser, timed from its
         first line to its last; each address is asked for once, so that no answer is kept from the
         time before; p50 and p95 over them
browser: the real app and headless Chromium: from opening an address to the page being whole (the
         script is done, no placeholder is left, every chart has been drawn), in a tab of its own,
         median of five; and once with nothing in the browser's cache
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
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import report
from benchmarks.big_store import fill
from benchmarks.page_queries import queries
from data.conversions import convert_source
from data.ingest import ingest
from data.store import ask, open_store

ROOT = Path(__file__).parent.parent
RECORDS = "samples-stratos"
VISITS = 5
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


def addresses(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Page -> the addresses that people would have it show, each different."""
    store = open_store(folder)
    runs = ask(store, "select distinct run from scores order by run")["run"].to_list()
    one = ask(store, "select generation_id from scores order by run desc limit 12")
    generations = one["generation_id"].to_list()
    records = ask(store, "select record_id from records order by 1 limit 4")["record_id"].to_list()
    facets: list[dict[str, str]] = [{"stage": stage} for stage in ("base", "sft", "grpo")]
    facets += [{"correct": "wrong", "category": name} for name in ("near miss", "repetition")]
    facets += [{"correct": "right", "length": "256 to 511"}, {"finish": "length"}]
    facets += [{"run": run, "correct": "wrong"} for run in runs[:3]]
    facets += [{"stage": "grpo", "page": str(page)} for page in (2, 900)]
    pairs = list(pairwise(runs))
    return {
        "overview": [{}, *({"runs": run} for run in runs[:10])],
        "audit": [{}, {"defect": "no thinking"}, *({"record": id} for id in records)],
        "failures": [{}, *facets],
        "failures, text": [
            {"stage": stage, "text": text}
            for text in ("moves it 17", "that 40 + 280 = 320 it")
            for stage in ("base", "sft", "grpo")
        ],
        "failures, one": [{"generation": id} for id in generations],
        "compare": [
            {"a": a, "b": b, **more}
            for a, b in pairs[:5]
            for more in ({}, {"group": "broken"}, {"group": "broken", "show": "differences"})
        ],
        "compare, new pairs": [{"a": a, "b": b} for a, b in pairs[5:10]],
        "rollouts": [{}, *({"step": str(step)} for step in range(40, 440, 40))],
        "curate": [{}, *({"where": f"reasoning_chars < {n}"} for n in range(100, 200, 20))],
        "lineage": [{"id": id} for id in generations],
        "train": [{}, {"verb": "sft"}, {"verb": "grpo"}, {"verb": "eval"}, {"verb": "export"}],
    }


def file_of(page: str) -> str:
    return page.partition(",")[0]


def server(folder: Path, pages: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, Any]]:
    """p50 and p95 of a rerun of each page [ms]."""
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
    from streamlit.testing.v1 import AppTest

    logging.getLogger("streamlit").setLevel(logging.ERROR)  # it misses a browser
    runs, run_script = [], ScriptRunner._run_script

    def timed(runner: ScriptRunner, *data: Any) -> None:
        began = time.perf_counter()
        run_script(runner, *data)
        runs.append(1000 * (time.perf_counter() - began))

    ScriptRunner._run_script = timed  # pyright: ignore[reportAttributeAccessIssue]
    os.environ["THINKBENCH_STORE"] = str(folder)
    for page, found in pages.items():
        file = str(ROOT / "workbench" / "views" / f"{file_of(page)}.py")
        _ran(AppTest, file, {"seed": "1"})  # what a process does once: imports, reading the index
        runs.clear()
        for address in found:
            _ran(AppTest, file, address)
        took = sorted(runs)
        p95 = took[min(len(took) - 1, round(0.95 * (len(took) - 1)))]
        yield row(f"{page}: server, p50 of {len(took)}", round(statistics.median(took)), "ms")
        yield row(f"{page}: server, p95", round(p95), "ms")


def _ran(kind: Any, file: str, address: dict[str, str]) -> None:
    app = kind.from_file(file, default_timeout=120)
    app.query_params.update(address)
    app.run()
    if app.exception:
        raise RuntimeError(f"{file} {address}: {app.exception[0].value}")


def browser(folder: Path, pages: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, Any]]:
    """First full paint of each page [s], and the memory of the app's processes [MiB]."""
    try:  # by name: the types are checked where requirements-browser.txt is not installed too
        playwright = importlib.import_module("playwright.sync_api")
    except ImportError as error:
        found = "found no playwright; expected it for --part browser"
        raise SystemExit(f"{found}: pip install -r requirements-browser.txt") from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit(
            "found no chromium; expected Debian's. Install it: apt-get install chromium"
        )
    with _served(folder) as (url, process), playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        first = _painted(opened.new_context(viewport=SCREEN), f"{url}/train")
        yield row("train: full paint, nothing in the browser's cache", round(first, 2), "s")
        context = opened.new_context(viewport=SCREEN)
        _painted(context, f"{url}/train")
        for page, found in pages.items():
            took = [
                _painted(context, f"{url}/{file_of(page)}?{urlencode(found[visit % len(found)])}")
                for visit in range(VISITS + 1)
            ]
            yield row(f"{page}: full paint", round(statistics.median(took[1:]), 2), "s")
        yield row("the app after all pages", memory(process.pid), "MiB")
        opened.close()


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
def _served(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
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
    """A store with that many generations, and the bundled records, converted."""
    if not (folder / "STORE.json").is_file():
        fill(open_store(folder), generations)
    store = open_store(folder)
    ingest(store, RECORDS)
    convert_source(store, RECORDS)


PARTS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    "server": lambda folder: server(folder, addresses(folder)),
    "browser": lambda folder: browser(folder, addresses(folder)),
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
