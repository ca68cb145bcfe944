"""Left and Right through the rows of Audit, in a real browser: no press is lost."""

import shutil
from collections.abc import Iterator

import pytest

from data.audit import queries, rows as audit_rows
from data.store.store import Store, open_store
from tests.support.browsing import ready, served, thinkbench

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs requirements-browser.txt, which .ci/run installs"
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"
)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
SLOW = 30_000  # [ms] of one step, on a machine that does other work
SOURCE = "samples-stratos"


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("presses") / "store"
    thinkbench(folder, "ingest", SOURCE)
    thinkbench(folder, "convert", SOURCE)
    return open_store(folder)


@pytest.fixture
def page(converted) -> Iterator:
    """Audit's page, whole, on its first row."""
    with served(converted.folder) as address, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        opened = browser.new_page(viewport={"width": 1440, "height": 1000})
        opened.set_default_timeout(SLOW)
        opened.goto(f"{address}/audit?source={SOURCE}")
        ready(opened)
        opened.get_by_text("1 of 3,000", exact=True).wait_for()
        yield opened
        browser.close()


def test_seventy_quick_presses_move_seventy_rows(page, converted):
    newest = queries.newest(converted, SOURCE)
    rows = audit_rows.rows_with(converted, SOURCE, newest, None, 1, 100)["record_id"].to_list()

    def comes_to(number: int) -> None:
        assert page.get_by_text(f"{number} of 3,000", exact=True).is_visible()  # before any answer
        page.get_by_text(f"record {rows[number - 1]}").wait_for()
        ready(page)
        assert f"record={rows[number - 1]}" in page.url
        assert page.get_by_text(f"{number} of 3,000", exact=True).is_visible()

    for _ in range(70):
        page.keyboard.press("ArrowRight")
    comes_to(71)
    for key in ["ArrowLeft"] * 40 + ["ArrowRight"] * 9:
        page.keyboard.press(key)
        page.wait_for_timeout(20)
    comes_to(40)
    page.get_by_label("Reason", exact=True).fill("why")
    page.keyboard.press("ArrowLeft")  # while somebody types
    page.wait_for_timeout(400)
    comes_to(40)
    page.get_by_role("button", name="Next row").click()
    page.get_by_text("41 of 3,000", exact=True).wait_for()
    comes_to(41)


def test_presses_go_no_further_than_the_ends(page):
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    page.get_by_text("2 of 3,000", exact=True).wait_for()
