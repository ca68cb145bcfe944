"""Background searches: in processes of their own, one for all requests, and only a few at once."""

import time

import pytest

from data.store import annotations
from data.store.store import Store
from data.subsets.recipe import Recipe, to_json
from data.subsets.versions import subset, subsets
from evals.curation import choose
from tests.data.subsets.test_subsets import converted as converted, store as store
from tests.workbench.app.views.test_audit import press
from tests.workbench.app.views.test_curate import PAGE, box, funnel, titles
from workbench.app.views.curate import background_search, choice as choosing

NEAR = to_json(Recipe(duplicates="near"))


@pytest.fixture(autouse=True)
def nothing_at_once(monkeypatch):
    """Six rows are many enough to be looked at apart."""
    monkeypatch.setattr(choosing, "FEW", 0)


def ended(store: Store, recipe: str, of: str) -> background_search.Search:
    for _ in range(600):
        one = background_search.search(store, recipe, of)
        if not one.is_pending:
            return one
        time.sleep(0.05)
    raise AssertionError("it did not end")


def until_done(page) -> None:
    for _ in range(60):
        if not any("Searching for" in one.value for one in page.info):
            return
        for one in background_search._searches().by_key.values():
            if one.process is not None:
                one.process.wait(60)
        page.run()


def test_a_page_answers_while_duplicates_are_looked_for_and_saves_what_was_found(show, store):
    page = show(PAGE, source="mine", duplicates="near")
    assert page.info[0].value.startswith("Searching for near duplicates among 6 rows: ")
    assert titles(page) == ["6 rows, before removing duplicates"]
    assert not [one for one in page.text_input if one.label == "Name of the subset"]
    until_done(page)
    assert funnel(page)["near duplicates"] == 3
    assert titles(page) == ["3 rows"]
    box(page, "Name of the subset").set_value("few")
    press(page, "Save")
    [version] = subsets(store)
    saved = subset(store, version.label)
    assert list(saved.ids) == choose.choice(store, saved.recipe).ids


def test_a_version_is_checked_apart_as_well(show, store):
    choose.save(store, "few", Recipe(sources=("mine",), duplicates="near"), "Ann")
    page = show(PAGE, part="Versions", first="few@1", check="true")
    until_done(page)
    assert page.success[0].value == "The recipe still chooses these rows."


def test_all_who_ask_for_the_same_wait_for_one_search(show, store):
    first = background_search.search(store, NEAR, "a")
    assert background_search.search(store, NEAR, "a") is first
    result = ended(store, NEAR, "a").result
    assert result == choose.choice(store, Recipe(duplicates="near"))


def test_only_a_few_run_and_what_nobody_asks_for_makes_room(show, store, monkeypatch):
    monkeypatch.setattr(background_search, "AT_ONCE", 1)
    left = background_search.search(store, NEAR, "left")
    waits = background_search.search(store, NEAR, "waits")
    assert (left.began is None, waits.began is None) == (False, True)
    left.requested -= background_search.ABANDONED + 1
    assert background_search.search(store, NEAR, "waits").began is not None
    assert left.process is not None
    assert left.process.returncode == -9
    assert ended(store, NEAR, "waits").result is not None


def test_a_search_that_fails_says_why_and_is_made_anew_where_that_is_asked_for(show, store):
    one = ended(store, '{"of": "records", "where": "no such field"}', "a")
    assert "no field 'no'" in one.error
    background_search.forget(store, one.recipe, "a")
    assert background_search.search(store, one.recipe, "a") is not one
    ended(store, one.recipe, "a")


def test_a_search_ends_with_the_app(show, store):
    one = background_search.search(store, "", "a")
    assert one.process is not None
    assert one.process.stdin is not None
    one.process.stdin.close()
    assert one.process.wait(30) == 1
    assert "no message" in ended(store, "", "a").error


def test_words_of_others_change_no_search(show, store):
    choose.save(store, "few", Recipe(sources=("mine",)), "Ann")
    recipe = to_json(choose.resolve(store, Recipe(parent="few@1", duplicates="near")))
    show(PAGE)  # whose answers are kept
    before = choosing._rows(store, recipe)
    annotations.save_subset(store, "other", to_json(Recipe()), ["x"], author="Ben")
    assert choosing._rows(store, recipe) == before


def test_without_a_search_for_duplicates_the_rows_are_chosen_once(show, store, monkeypatch):
    chosen: list[Recipe] = []
    choice = choose.choice
    monkeypatch.setattr(
        choose, "choice", lambda store, recipe: (chosen.append(recipe), choice(store, recipe))[1]
    )
    show(PAGE, where="prompt_chars < 10")
    assert [one.where for one in chosen] == ["prompt_chars < 10"]
