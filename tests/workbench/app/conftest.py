"""One store and one server for all that is tested in a browser, and the browser."""

import json
from collections.abc import Iterator
from typing import Literal

import pytest

from data.store.store import Store, ask, open_store
from tests.support import few_rows, hostile
from tests.support.browsing import CHROMIUM, SLOW, served, thinkbench
from tests.support.by_file import is_later

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run")  # fmt: skip


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Store:
    """A few bundled records and problems, converted, and two stages of answers from elsewhere."""
    folder = tmp_path_factory.mktemp("journeys")
    store = folder / "store"
    few = few_rows.written(folder / "rows", test=40)
    for source, rows in {"samples-stratos": few.records, "samples-gsm8k": few.problems}.items():
        thinkbench(store, "ingest", source, "--from", str(rows))
        thinkbench(store, "convert", source)
    problems = ask(
        open_store(store),
        "select problem_id, question, gold from problems where split = 'test' order by 1 limit 40",
    ).to_dicts()
    for stage, right in (("base", 3), ("sft", 2)):
        answers = [one["gold"] if n % right else 999 for n, one in enumerate(problems)]
        rows = [
            {**one, "stage": stage, "text": f"<reasoning>so</reasoning>\n<answer>{answer}</answer>"}
            for one, answer in zip(problems, answers, strict=True)
        ]
        file = folder / f"{stage}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        thinkbench(store, "import", str(file), "--name", f"theirs-{stage}")
        for grader in ("strict", "lenient"):
            thinkbench(store, "grade", "--run", f"theirs-{stage}", "--grader", grader)
        thinkbench(store, "failures", "--run", f"theirs-{stage}")
    opened = open_store(store)
    hostile.rollouts(opened)
    return opened


@pytest.fixture(scope="session")
def address(filled) -> Iterator[str]:
    """Of the app on the store `filled`."""
    with served(filled.folder) as url:
        yield url


def while_files_follow(fixture_name: str, config: pytest.Config) -> Literal["package", "module"]:
    """Until a file of another folder follows, where those that need a browser run in a row.

    While a browser is open, no other test may run an event loop.
    """
    return "package" if is_later(config) else "module"


@pytest.fixture(scope=while_files_follow)
def context() -> Iterator:
    """A browser, which keeps the app's scripts from one page to the next."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs requirements-browser.txt, which .ci/run installs"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        # drawing what moves while a page waits took a sixth of the browser's time
        yield browser.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        browser.close()


@pytest.fixture
def page(context) -> Iterator:
    """A page of its own; a script's error or a dialog on it is a failure."""
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    opened.set_default_timeout(SLOW)
    yield opened
    opened.close()
    assert wrong == []
