"""What people do, in a real browser on the real app: audit a conversion, tag failures, train.

With THINKBENCH_SCREENSHOTS=FOLDER a picture of every page is written there: of what is made here
or, with THINKBENCH_PICTURED=STORE too, of a copy of a store that `make demo` filled.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from data.store import jobs, runs
from data.store.store import Store, add, ask, open_store
from data.subsets.versions import subsets
from evals.rollouts.verdicts import grade_rollouts
from tests.support import hostile
from tests.support.browsing import (
    SLOW,
    at_address,
    needs_browser,
    picture,
    ready,
    served,
    visit,
)
from tests.support.store_rows import rows_of

pytestmark = needs_browser
HEIGHT = 31  # [pixels] of a row of a table, and of its head


@pytest.fixture
def pictured(request, tmp_path) -> Iterator[tuple[str, Store]]:
    """The address of a store with something on every page, and the store."""
    if (pictured := os.environ.get("THINKBENCH_PICTURED")) is None:
        yield request.getfixturevalue("address"), request.getfixturevalue("filled")
        return
    shutil.copytree(pictured, tmp_path / "store")
    with served(tmp_path / "store") as url:
        yield url, open_store(tmp_path / "store")


def pages(store: Store) -> dict[str, dict[str, str]]:
    """Page -> what it is asked to show."""
    one = ask(
        store,
        """
        select generation_id from scores where correct is false
        order by stage = 'grpo' desc, generation_id limit 1
        """,
    ).item()
    return {
        "overview": {},
        "audit": {"source": "samples-stratos"},
        "failures": {"correct": "wrong", "format": "in format"},
        "rollouts": {},
        "compare": {},
        "curate": {"where": "reasoning_chars < 60", "duplicates": "exact"},
        "lineage": {"id": one},
        "train": {"verb": "sft"},
        "playground": {"question": "What is 2 + 3?"},
    }


def test_every_page_opens_in_both_lights_without_an_error(page, pictured):
    address, store = pictured
    lights, elsewhere = ["light", "dark"], []
    page.on("request", lambda one: elsewhere.append(one.url))
    page.emulate_media(color_scheme=lights[0])
    page.goto(address)
    ready(page)
    for name, query in pages(store).items():
        visit(page, f"{address}/{'' if name == 'overview' else name}?{urlencode(query)}")
        for light in lights:
            in_light(page, light)
            picture(page, name if light == "light" else f"{name}-dark")
        lights.reverse()  # the next page opens in the light that this one has by now
        title = "Generations" if name == "failures" else name.title()
        assert page.title().startswith(f"{title} · ")
    assert page.title() == "Playground · thinkbench"  # nothing is selected on the last one
    within = (f"{address}/", "data:", f"blob:{address}")
    assert [url for url in elsewhere if not url.startswith(within)] == []
    page.get_by_role("heading", name="Playground").click()  # the keys of a field are letters
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_text("next and previous row").wait_for()
    page.keyboard.press("Escape")


# the rules of WCAG 2 A and AA, over what is drawn
AXE = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
  const report = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] })
  return report.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`)
}"""


def test_no_page_has_a_serious_fault_of_accessibility_in_either_light(page, address, filled):
    axe = pytest.importorskip("axe_playwright_python", reason="needs requirements-browser.txt")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    lights, faults = ["light", "dark"], {}
    page.emulate_media(color_scheme=lights[0])
    page.goto(address)
    ready(page)
    page.evaluate(script)
    for name, query in pages(filled).items():
        visit(page, f"{address}/{'' if name == 'overview' else name}?{urlencode(query)}")
        for light in lights:
            in_light(page, light)
            faults[name, light] = page.evaluate(AXE)
        lights.reverse()
    assert {where: broken for where, broken in faults.items() if broken} == {}


def in_light(page, light: str) -> None:
    """Have the page in this light, drawn to its end."""
    page.emulate_media(color_scheme=light)
    page.wait_for_function(
        """light => {
          const color = getComputedStyle(document.querySelector('.stApp')).backgroundColor
          const [red, green, blue] = color.match(/\\d+/g).map(Number)
          return (red + green + blue < 384) === (light === 'dark')
        }""",
        arg=light,
    )
    ready(page)


def test_in_a_window_narrower_than_the_curves_the_page_does_not_scroll_sideways(page, address):
    page.set_viewport_size({"width": 1000, "height": 1000})
    page.goto(f"{address}/rollouts")
    ready(page)
    chart = "document.querySelector('[data-testid=stVegaLiteChart]')"
    page.wait_for_function(f"() => {chart}?.getBoundingClientRect().width > 900")  # it is drawn
    main = page.get_by_test_id("stMain")
    assert main.evaluate("part => [part.scrollWidth - part.clientWidth]") == [0]


def test_a_person_audits_the_conversion_and_holds_a_row_back(page, address, filled):
    page.goto(f"{address}/audit?source=samples-stratos")
    ready(page)
    of_all = page.get_by_text(re.compile(r"^1 of [\d,]+$")).inner_text()
    page.get_by_label("Defect", exact=True).click()
    page.keyboard.type("answer not short")
    page.get_by_role("option", name="answer not short").click()
    page.get_by_text(of_all, exact=True).wait_for(state="detached")  # those with the defect only
    page.get_by_text(re.compile(r"^1 of [\d,]+$")).wait_for()
    ready(page)
    picture(page, "audit-defect")
    page.get_by_label("Reason", exact=True).fill("it holds code")
    page.get_by_role("button", name="Quarantine").click()
    page.get_by_text("quarantined by").wait_for()
    [row] = ask(filled, "select ruling, reason from rulings").rows()
    assert row == ("quarantined", "it holds code")


def test_a_person_finds_failures_by_category_and_tags_them(page, address, filled):
    page.goto(f"{address}/failures?correct=wrong&stage=sft")
    ready(page)
    page.get_by_text("20 generations", exact=True).wait_for()
    page.get_by_role("button", name="Tag 20 results").click()
    page.get_by_label("Tag", exact=True).fill("look again")
    page.get_by_role("button", name="Add to 20").click()
    ready(page)
    page.goto(f"{address}/failures?tag=look again")
    ready(page)
    page.get_by_text("20 generations", exact=True).wait_for()
    picture(page, "failures-tagged")
    tagged = ask(filled, "select count(*) from tags where tag = 'look again'").item()
    assert tagged == 20


def failures_of(page, address: str, filled: Store) -> list[str]:
    """Open the failures of the base stage; the ids of its generations in their order."""
    page.goto(f"{address}/failures?stage=base")
    ready(page)
    page.get_by_text("1 of 40", exact=False).wait_for()
    run = "select generation_id from generations where run = 'theirs-base' order by problem_id"
    return ask(filled, run)["generation_id"].to_list()


def test_ten_quick_presses_move_ten_and_a_tag_lands_on_the_row_that_is_shown(page, address, filled):
    ids = failures_of(page, address, filled)
    for key in ["ArrowRight"] * 5 + ["j"] * 5:
        page.keyboard.press(key)
        page.wait_for_timeout(30)
    assert page.locator(".position").inner_text().startswith("11 of 40 ·")  # before any answer
    for key in ("t", *"odd sum", "Enter", "ArrowRight", "t", "Enter", "k", "k"):
        page.keyboard.press(key)  # the second time, the tag is offered again
    at_address(page, ids[9])
    ready(page)
    assert page.locator(".position").inner_text().startswith("10 of 40 ·")
    tagged = ask(filled, "select target_id, tag from tags where tag = 'odd sum' order by 1").rows()
    assert tagged == sorted([(ids[10], "odd sum"), (ids[11], "odd sum")])
    page.keyboard.press("ArrowRight")
    page.get_by_text("tagged odd sum").wait_for()
    at_address(page, ids[10])
    picture(page, "failures-keys")


def test_presses_beyond_the_rows_that_the_browser_holds_are_not_lost(page, address, filled):
    page.goto(f"{address}/failures")
    ready(page)
    page.get_by_text("1 of 80", exact=False).wait_for()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    # "…" until the rows that the browser lacked have come, which may be by now
    assert page.locator(".position").inner_text().startswith("61 of 80 · ")
    page.get_by_text("61 of 80 · ✗ incorrect").or_(
        page.get_by_text("61 of 80 · ✓ correct")
    ).wait_for()
    page.get_by_text("Page 2 of 2").wait_for()


def test_a_key_opens_the_detail_and_no_key_counts_while_somebody_types(page, address, filled):
    page.set_viewport_size({"width": 1440, "height": 600})
    failures_of(page, address, filled)
    answer = page.get_by_role("heading", name=re.compile("correct")).first
    assert answer.bounding_box()["y"] > 600
    page.keyboard.press("o")
    page.wait_for_timeout(300)
    assert 0 < answer.bounding_box()["y"] < 600
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert answer.bounding_box()["y"] > 600
    box = page.get_by_role("textbox", name="Search in text")
    box.click()
    page.keyboard.type("jot")
    page.keyboard.press("ArrowLeft")
    assert box.input_value() == "jot"
    assert page.locator(".position").inner_text().startswith("1 of 40 ·")


def test_each_first_click_on_a_row_counts_whatever_was_shown_before(page, address, filled):
    ids = failures_of(page, address, filled)

    def click_on(row: int, right: int = 18) -> None:  # pixels; the box of the row
        corner = page.get_by_test_id("stDataFrame").first.bounding_box()
        page.mouse.click(corner["x"] + right, corner["y"] + HEIGHT * row + HEIGHT // 2)
        at_address(page, ids[row - 1])
        ready(page)

    click_on(3)
    page.get_by_role("button", name="Next row").click()
    at_address(page, ids[3])
    ready(page)
    click_on(6)
    page.keyboard.press("ArrowLeft")
    at_address(page, ids[4])
    ready(page)
    click_on(6)  # its tick goes away, and it is shown all the same
    in_text = 300
    click_on(7, in_text)
    click_on(2)
    click_on(8, in_text)
    click_on(2)


def test_a_person_builds_a_subset_and_trains_from_it_to_the_end(page, address, filled, few):
    page.goto(f"{address}/curate?source=samples-stratos&duplicates=exact")
    ready(page)
    page.get_by_role("button", name="short reasoning").click()
    page.get_by_text("after filter").first.wait_for(state="attached")
    ready(page)
    picture(page, "curate-funnel")
    page.get_by_label("Name of the subset").fill("short")
    page.get_by_role("button", name="Save", exact=True).click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Train on it").click()
    [subset] = subsets(filled)
    assert subset.label == "short@1"
    assert opened.value.url.endswith("/train?verb=sft&data.subset=short%401")
    opened.value.close()
    page.goto(f"{opened.value.url}&model.model={few}&sft.steps=6&sft.batch=4&sft.lora_rank=2")
    ready(page)
    page.get_by_role("button", name="Start").dblclick()
    page.get_by_role("heading", name="running").wait_for()
    page.get_by_role("heading", name="done").wait_for(timeout=4 * SLOW)
    ready(page)
    picture(page, "train-done")
    [job] = jobs.jobs(filled)
    assert (job.state, job.exit_code) == ("done", 0)
    [run] = ask(filled, "select event, inputs from runs where kind = 'sft'").rows()
    assert run[0] == "done"
    assert json.loads(run[1])["subset"] == f"{subset.label} {subset.content_hash}"
    visit(page, f"{address}/curate?part=Versions&first=short@1")
    page.get_by_text("Runs trained on it: sft-").wait_for()
    picture(page, "curate-versions")
    one = ask(filled, "select generation_id from generations order by 1 limit 1").item()
    visit(page, f"{address}/lineage?id={one}")
    picture(page, "lineage-generation")


def test_hostile_texts_are_drawn_as_texts_on_every_page(page, harmful, tmp_path):
    shutil.copytree(harmful, tmp_path / "store")
    store = open_store(tmp_path / "store")
    harm = "script[src*=alert], img[src=x], svg[onload], a[href^='javascript:']"
    with served(store.folder) as address:
        page.goto(address)
        ready(page)
        for name, query in hostile.addresses(store):
            visit(page, f"{address}/{'' if name == 'overview' else name}?{urlencode(query)}")
            assert page.locator(harm).count() == 0
            assert not set(hostile.TURNING) & set(page.locator("body").inner_text())


def test_on_an_absent_store_a_person_uploads_generations_and_reads_them(page, tmp_path):
    row = {"question": "3 + 4?", "gold": "7", "text": "<answer>7</answer>", "problem_id": "p"}
    (tmp_path / "theirs.jsonl").write_text(json.dumps(row))
    with served(tmp_path / "store") as address:
        page.goto(address)
        ready(page)
        page.locator("input[type=file]").first.set_input_files(tmp_path / "theirs.jsonl")
        page.get_by_text("theirs.jsonl").wait_for()
        page.get_by_label("Name of the run").fill("theirs")
        page.get_by_role("button", name="Import").click()
        page.get_by_role("link", name="Read the generations of theirs").click()
        page.get_by_text("1 generation", exact=True).wait_for()
        page.wait_for_function("document.title === 'Generations · theirs · thinkbench'")


def test_a_person_asks_a_model_of_this_machine_and_keeps_its_answer(page, address, filled, few):
    page.goto(f"{address}/playground?question=What+is+2+%2B+3%3F&answer=5&max_tokens=8&run=")
    ready(page)
    page.get_by_label("Folder or hub id", exact=True).fill(str(few))
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text(re.compile("loading the model|answering|done")).wait_for()
    page.get_by_text("stop reason length").wait_for(timeout=4 * SLOW)
    picture(page, "playground-answer")
    page.get_by_role("button", name="Keep as generations").click()
    page.get_by_text("Kept as generations.").wait_for()
    [row] = ask(
        filled,
        "select tokens, finish, gold from generations join runs r using (run)"
        " join problems using (problem_id) where r.kind = 'playground'",
    ).rows()
    assert row == (8, "length", "5")
    link = page.get_by_role("link", name=re.compile("^Generations of playground-base-"))
    visit(page, f"{address}/{link.get_attribute('href')}")
    page.get_by_text("Reference answer: 5").wait_for()


def clicked_rollouts(store: Store) -> None:
    """A graded run whose step has groups 0 and 5: the first is all the same, in the second an
    incorrect answer has the higher reward.
    """
    runs.begin(store, "grpo", run="clicks", stage="grpo", config={}, seed=0, inputs={})
    texts = [f"<reasoning>{n}</reasoning>\n<answer>{n}</answer>" for n in (7, 7, 8, 7)]
    rows = rows_of(
        "rollouts",
        step=[1, 1, 1, 1],
        group=[0, 0, 5, 5],
        sample=[0, 1, 0, 1],
        problem_id=["clicked"] * 4,
        text=texts,
        tokens=[5] * 4,
        finish=["stop"] * 4,
        rewards=[[]] * 4,
        reward=[0.5, 0.5, 2.0, 0.5],
        advantage=[0.0, 0.0, 1.0, -1.0],
    )
    add(store, "rollouts", rows, run="clicks")
    problems = rows_of("problems", problem_id=["clicked"], question=["3 + 4?"], gold=["7"])
    add(store, "problems", problems, run="clicks")
    runs.end(store, "clicks", "done", {})
    grade_rollouts(store, "clicks", "strict")


def test_questions_about_rollouts_are_one_click_and_lead_to_the_rows(page, address, filled):
    clicked_rollouts(filled)
    page.goto(f"{address}/rollouts?run=clicks")
    ready(page)
    for label, rows in (
        ("Zero-variance groups", "2 of 4 rollouts, in 1 groups"),
        ("Incorrect with positive advantage", "1 of 4 rollouts, in 1 groups"),
        ("Rewarded but incorrect", "1 of 4 rollouts, in 1 groups"),
    ):
        page.get_by_role("button", name=label, exact=True).click()
        page.get_by_text(rows).wait_for()
        ready(page)
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    corner = table.bounding_box()
    page.mouse.click(corner["x"] + 18, corner["y"] + HEIGHT + HEIGHT // 2)
    page.wait_for_function("() => new URL(location).searchParams.get('group') === '5'")
    page.get_by_text("sample 0: reward 2.00").wait_for()
