"""The pictures of docs/app.md, taken anew: python -m benchmarks.app.pictures STORE FOLDER

STORE is one that `make demo` filled; it is copied, and the copy gets a tag, two versions of a
subset and a job, which some of the pictures show. FOLDER gets a PNG of each page in light and dark.
"""

import argparse
import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.app.pages import FLAGS, ROOT, WHOLE, served
from data.store import annotations, ask, open_store

WIDTH, HEIGHT = 1440, 1000
HIGHER = {"failures": 1450, "train": 1450}  # pages whose texts would else be cut off
SETTLED = 1500  # ms, for charts that are drawn after the page is whole
SOURCE = "samples-stratos"
OF_DEMO = "select run from runs where kind = 'grpo' order by started_at limit 1"
SUBSET = ("subset", "new", "short", "--source", SOURCE, "--where")
JOB = ("sft", "--preset", "tiny", "--set", "sft.steps=12", "--set", "data.subset=short@2")


def prepared(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Fill what the pictures need; name of a picture -> its page and address."""
    store = open_store(folder)
    wrong = ask(
        store,
        """
        select generation_id from current_scores join generations using (generation_id)
        where grader = 'strict' and correct = false and generations.stage = 'sft' order by 1 limit 1
        """,
    ).item()
    defects = "select unnest(defects).phrase as phrase from current_conversions"
    frequent = f"select phrase from ({defects}) group by phrase order by count(*) desc limit 1"
    annotations.tag(store, "generation", wrong, "adds before it multiplies", "reader")
    for where in ("reasoning_chars < 60", "reasoning_chars < 90"):
        _ran(folder, *SUBSET, where)
    _ran(folder, "jobs", "start", "--wait", "--", *JOB)
    of_records = {"of": "records", "where": "reasoning_chars < 90"}
    return {
        "overview": ("overview", {}),
        "audit": ("audit", {"source": SOURCE}),
        "audit-defect": ("audit", {"source": SOURCE, "defect": ask(store, frequent).item()}),
        "failures": ("failures", {"correct": "wrong", "stage": "sft"}),
        "failures-tagged": ("failures", {"generation": wrong}),
        "failures-keys": ("failures", {"tag": "adds before it multiplies", "generation": wrong}),
        "compare": ("compare", {}),
        "rollouts": ("rollouts", {"run": ask(store, OF_DEMO).item()}),
        "curate": ("curate", of_records),
        "curate-funnel": ("curate", of_records | {"duplicates": "near"}),
        "curate-versions": ("curate", {"part": "Versions"}),
        "lineage": ("lineage", {}),
        "lineage-generation": ("lineage", {"id": wrong}),
        "train": ("train", {}),
        "train-done": ("train", {"verb": "sft"}),
    }


def _ran(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "workbench", "--store", str(folder), *arguments]
    subprocess.run(command, cwd=ROOT, check=True)


def taken(folder: Path, pictures: dict[str, tuple[str, dict[str, str]]], out: Path) -> None:
    playwright = importlib.import_module("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with served(folder) as (url, _), playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for name, (page, query) in pictures.items():
            path = "" if page == "overview" else page  # it is the first page
            address = f"{url}/{path}?{urlencode(query)}"
            _take(browser, address, "light", out / f"{name}.png")
            if name == page:
                _take(browser, address, "dark", out / f"{name}-dark.png")
        browser.close()


def _take(browser: Any, url: str, scheme: str, path: Path) -> None:
    page = path.stem.partition("-")[0]
    size = {"width": WIDTH, "height": HIGHER.get(page, HEIGHT)}
    context = browser.new_context(viewport=size, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(url, wait_until="commit")
    tab.wait_for_function(WHOLE, timeout=120_000)
    tab.wait_for_timeout(SETTLED)
    tab.screenshot(path=path)
    context.close()
    print(path.name, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", help="names of pictures; by default all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "store"
        shutil.copytree(given.store, copy)
        pictures = prepared(copy)
        chosen = given.only or list(pictures)
        taken(copy, {name: pictures[name] for name in chosen}, given.folder)
