"""Left and Right through the rows of Audit, in a real browser: no press is lost."""

import pytest

from data.audit import queries, rows as audit_rows
from tests.support.browsing import needs_browser, ready

pytestmark = needs_browser
SOURCE = "samples-stratos"


@pytest.fixture
def audit(page, address):
    """Audit's page, whole, on its first row."""
    page.goto(f"{address}/audit?source={SOURCE}")
    ready(page)
    page.get_by_text("1 of 160", exact=True).wait_for()
    return page


def test_seventy_quick_presses_move_seventy_rows(audit, filled):
    newest = queries.newest(filled, SOURCE)
    rows = audit_rows.rows_with(filled, SOURCE, newest, None, 1, 100)["record_id"].to_list()

    def comes_to(number: int) -> None:
        assert audit.get_by_text(f"{number} of 160", exact=True).is_visible()  # before any answer
        audit.get_by_text(f"record {rows[number - 1]}").wait_for()
        ready(audit)
        assert f"record={rows[number - 1]}" in audit.url
        assert audit.get_by_text(f"{number} of 160", exact=True).is_visible()

    for _ in range(35):
        audit.keyboard.press("ArrowRight")
        audit.keyboard.press("j")
    comes_to(71)
    position = audit.get_by_text("71 of 160", exact=True).bounding_box()
    assert position["y"] < 600  # the row below it is seen
    for key in ["ArrowLeft"] * 40 + ["ArrowRight"] * 9:
        audit.keyboard.press(key)
        audit.wait_for_timeout(20)
    comes_to(40)
    audit.get_by_label("Reason", exact=True).fill("why")
    audit.keyboard.press("ArrowLeft")  # while somebody types
    audit.wait_for_timeout(400)
    comes_to(40)
    audit.get_by_role("button", name="Next row").click()
    audit.get_by_text("41 of 160", exact=True).wait_for()
    comes_to(41)


def test_presses_go_no_further_than_the_ends(audit):
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        audit.keyboard.press(key)
    audit.get_by_text("2 of 160", exact=True).wait_for()
