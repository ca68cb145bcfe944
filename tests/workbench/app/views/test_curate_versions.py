"""Versions of subsets on the Curate page, whose recipe cannot be run or read again."""

from data.store import annotations
from data.subsets.recipe import Recipe, to_json
from tests.data.subsets.test_subsets import converted as converted, store as store

PAGE = "curate"


def test_rows_of_a_subset_whose_filter_is_no_recipe_are_counted_and_why_is_said(show, store):
    annotations.save_subset(store, "by hand", "tokens < 100", ["x", "y"], author="ana")
    annotations.save_subset(store, "other", to_json(Recipe()), ["x", "z"], author="ana")
    page = show(PAGE, part="Versions", first="by hand@1", second="other@1")
    assert "These rows cannot be shown, only counted." in [one.value for one in page.error]
    assert any("'tokens < 100' is no recipe" in one.value for one in page.text)
    counts = {one.label: one.value for one in page.metric}
    assert counts == {"in both": "1", "only in the first": "1", "only in the second": "1"}


def test_a_recipe_whose_parent_is_missing_cannot_be_run_again(show, store):
    recipe = to_json(Recipe(parent="gone@1"))
    annotations.save_subset(store, "child", recipe, ["x"], parent="gone@1", author="ana")
    page = show(PAGE, part="Versions", first="child@1", check="true")
    assert "The recipe cannot be run again." in [one.value for one in page.error]
    assert any("there is no subset 'gone" in one.value for one in page.text)


def test_a_version_can_be_compared_with_those_of_the_same_kind_of_rows(show, store):
    for name, of in (("rows", "records"), ("more", "records"), ("asked", "problems")):
        annotations.save_subset(store, name, to_json(Recipe(of=of)), ["x", name], author="ana")
    annotations.save_subset(store, "by hand", "tokens < 100", ["x", "y"], author="ana")
    page = show(PAGE, part="Versions", first="rows@1", second="asked@1")
    beside = next(one for one in page.selectbox if one.label == "Compare with")
    assert sorted(beside.options) == ["", "by hand@1", "more@1"]
    assert "asked@1" in [one.value for one in page.text]
    assert not page.metric
