"""The failures page: its facets, its address, its detail, tags and views; and texts stay texts."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from data.store import annotations
from data.store.store import Store, ask, open_store
from tests.support.evaluation import evaluate
from tests.support.store_rows import copied
from tests.workbench.app.views.test_audit import drawn, press

PAGE = "failures"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Path:
    store = open_store(tmp_path_factory.mktemp("failures") / "store")
    evaluate(store, "eval-base", "base", ["7", "1", "1", "1"])
    evaluate(store, "eval-grpo", "grpo", ["7", "7", "7", "1"])
    return store.folder


@pytest.fixture
def stages(evaluated, tmp_path) -> Store:
    """Four problems at two stages: base has one right, grpo three."""
    return copied(evaluated, tmp_path)


def group(page, label: str):
    [pills] = [box for box in page.button_group if box.label == label]
    return pills


def table(page):
    return next(f.value for f in page.dataframe if "question" in f.value)


def labels(page, label: str) -> list[str]:
    return [option.content for option in group(page, label).proto.options]


def board(page) -> dict:
    """What the browser is given to go on by keys."""
    [component] = page.get("bidi_component")
    return json.loads(component.proto.json)


def test_the_failures_of_an_empty_store_say_what_to_run(show, here):
    page = show(PAGE)
    assert "no generations" in page.info[0].value
    assert " import FILE" in page.code[0].value


def test_counts_of_facets_go_together_and_the_address_says_what_is_chosen(show, stages):
    page = show(PAGE)
    assert labels(page, "Correctness") == ["incorrect · 4", "correct · 4"]
    group(page, "Stage").set_value(["base"]).run()
    assert not page.exception
    assert labels(page, "Correctness") == ["incorrect · 3", "correct · 1"]
    assert labels(page, "Stage") == ["base · 4", "grpo · 4"]
    assert page.query_params["stage"] == "base"
    group(page, "Correctness").set_value(["wrong"]).run()
    assert labels(page, "Stage") == ["base · 3", "grpo · 1"]
    assert len(table(page)) == 3
    press(page, "Clear all")
    assert len(table(page)) == 8
    assert "stage" not in page.query_params


def test_an_address_restores_filter_and_generation(show, stages):
    page = show(PAGE, stage="grpo", correct="wrong", generation="p3:eval-grpo")
    assert group(page, "Stage").value == ["grpo"]
    assert len(table(page)) == 1
    assert (board(page)["at"], board(page)["of"]) == (1, 1)
    assert any("grpo · eval-grpo · sample 0" in text.value for text in page.text)


def test_the_same_problem_is_shown_at_every_stage_side_by_side(show, stages):
    page = show(PAGE, generation="p1:eval-base", show="raw")
    assert [head.value for head in page.header] == ["✗ incorrect", "✓ correct"]
    answers = [body for body in drawn(page) if "answer, 18 characters" in body]
    assert ["&lt;answer&gt;1&lt;" in answers[0], "&lt;answer&gt;7&lt;" in answers[1]] == [True] * 2


def test_stages_are_marked_where_they_differ_and_formulas_are_drawn(show, here):
    evaluate(here, "eval-base", "base", [r"1 and \(\frac{1}{2}\)"])
    evaluate(here, "eval-grpo", "grpo", ["7"])
    page = show(PAGE, show="differences")
    assert not page.exception
    assert [body.count('title="only here"') for body in drawn(page)[-2:]] == [1, 1]
    page = show(PAGE)
    shown = [one.value.strip() for one in page.markdown]
    assert [text for text in shown if text != "r"][-2:] == ["1 and $\\frac{1}{2}$", "7"]
    assert len(drawn(page)) == 0


def test_words_that_were_searched_are_marked_in_texts_and_in_raw_texts(show, here):
    evaluate(here, "eval-base", "base", ["wait, wait"])
    page = show(PAGE, text="wait")
    marked = [one.value.count(":orange-background[wait]") for one in page.markdown]
    assert max(marked) == 2
    assert (
        drawn(show(PAGE, text="wait", show="raw"))[-1].count('title="search hit">wait</mark>') == 2
    )


def test_next_goes_through_what_fits_and_stops_at_its_end(show, stages):
    page = show(PAGE, correct="wrong", stage="base")
    for expected in ("p2:eval-base", "p3:eval-base"):
        press(page, "Next row")
        assert page.query_params["generation"] == expected
    assert [b.disabled for b in page.button if b.label in ("Previous row", "Next row")] == [
        False,
        True,
    ]


def test_the_table_shows_the_page_that_holds_the_generation_of_the_address(show, here):
    evaluate(here, "eval-base", "base", ["7"] * 60 + ["1"] * 60)
    page = show(PAGE, generation="p99:eval-base", page="2")  # 120 of 120: ids sort as texts
    assert "p99" in table(page)["problem_id"].to_list()
    assert any("Page 3 of 3" in text.value for text in page.text)
    data = board(page)
    assert (data["at"], data["of"], data["first"]) == (120, 120, 51)
    assert [data["rows"][-1], len(data["rows"])] == [data["here"], 70]


def test_what_the_filter_leaves_out_stands_between_two_that_it_lets_through(show, stages):
    data = board(show(PAGE, correct="wrong", generation="p0:eval-grpo"))
    assert (data["at"], data["of"], data["here"]["id"]) == (3.5, 4, "p0:eval-grpo")


def test_an_address_that_names_what_is_not_there_is_refused_with_what_is_near(show, stages):
    page = show(PAGE, run="gone", source="'; drop table base", category="near mis")
    run, category, source = (error.value for error in page.error)
    assert "no generation has Run = 'gone'" in run
    assert "drop table base" in source
    assert "such as near miss" in category
    assert not page.dataframe
    page = show(PAGE, generation="nowhere", page="-3", grader="../x")
    assert "was not found" in page.warning[0].value
    assert len(table(page)) == 8


def test_all_that_fit_are_tagged_at_once_and_the_tag_is_a_facet(show, stages):
    page = show(PAGE, correct="wrong")
    tag = next(box for box in page.text_input if box.label == "Tag")
    tag.set_value("to read")
    press(page, "Add to 4")
    assert ask(stages, "select * from tags").height == 4
    page = show(PAGE)
    box = next(box for box in page.multiselect if box.label == "Tag")
    assert box.options == ["to read · 4"]
    page = show(PAGE, tag="to read", stage="grpo")
    assert len(table(page)) == 1
    press(page, "Remove from 1")
    # the tag was left empty, so nothing is taken back and the page says so
    assert any("tag is empty" in text.value for text in page.text)
    assert ask(stages, "select * from tags").height == 4


def test_a_view_is_saved_opened_and_holds_nothing_but_a_filter(show, stages):
    page = show(PAGE, stage="grpo", correct="wrong", generation="p3:eval-grpo")
    next(b for b in page.text_input if b.label == "View name").set_value("my view")
    press(page, "Save")
    [(name, query)] = ask(stages, "select name, query from saved_views").rows()
    assert (name, parse_qs(query)) == ("my view", {"stage": ["grpo"], "correct": ["wrong"]})
    annotations.save_view(stages, "odd", "failures", "stage=base&evil=1&grader=../x", "ben")
    page = show(PAGE)
    page.selectbox[-1].set_value("odd").run()
    press(page, "Open")
    assert dict(page.query_params) == {"stage": "base"}


def test_a_search_finds_what_stands_in_the_text(show, stages):
    page = show(PAGE, text="<answer>1<")
    assert len(table(page)) == 4
    assert page.text_input[0].value == "<answer>1<"


def test_a_page_that_is_read_only_offers_nothing_to_write(show, stages, monkeypatch):
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    page = show(PAGE)
    assert not {"Add", "Save", "Delete"} & {button.label for button in page.button}
    assert board(page)["write"] is False
