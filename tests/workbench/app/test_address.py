"""The browser's history: the defaults of a page are in its address, and are no step of Back."""

import re
from urllib.parse import parse_qs, urlsplit

from tests.support.browsing import needs_browser, ready

pytestmark = needs_browser
PUSHED = """
window.pushed = []
const push = history.pushState
history.pushState = function (state, title, url) {
  window.pushed.push(String(url))
  return push.apply(this, arguments)
}
"""


def query_of(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def opened(page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    ready(page)


def test_what_a_page_chose_is_in_its_address_and_back_leaves_the_page_at_once(page, address):
    page.add_init_script(PUSHED)
    page.goto(f"{address}/failures?stage=base")
    ready(page)
    count = page.get_by_text(re.compile(r"^\d+ generations$")).first.inner_text()
    for name, defaults in (
        ("Compare", {"a", "b"}),
        ("Audit", {"source", "converter", "record"}),
        ("Rollouts", {"run", "step"}),
        ("Overview", {"runs"}),
    ):
        page.evaluate("window.pushed = []")
        opened(page, name)
        page.wait_for_function(
            "names => names.every(name => new URL(location).searchParams.has(name))",
            arg=sorted(defaults),
        )
        assert set(query_of(page)) == defaults
        paths = {urlsplit(one).path.strip("/").rpartition("/")[2] for one in
                 page.evaluate("window.pushed")}  # fmt: skip
        assert paths == {"" if name == "Overview" else name.lower()}
        page.go_back()
        page.get_by_role("heading", name="Generations", exact=True).wait_for()
        ready(page)
        assert query_of(page) == {"stage": ["base"]}
        page.get_by_text(count, exact=True).first.wait_for()
    opened(page, "Train")
    opened(page, "Generations")  # its link leads back to what was chosen there
    assert query_of(page) == {"stage": ["base"]}


def test_a_choice_is_one_step_back(page, address):
    page.goto(f"{address}/audit")
    ready(page)
    first = page.evaluate("history.length")
    page.get_by_role("combobox", name="Source").click()
    page.get_by_role("option", name="samples-stratos").click()
    page.get_by_text("of 160").first.wait_for()
    ready(page)
    assert query_of(page)["source"] == ["samples-stratos"]
    assert page.evaluate("history.length") - first <= 1
