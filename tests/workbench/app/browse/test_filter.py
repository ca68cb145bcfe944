"""A filter and its address: its values are values, and one that no row has is named."""

import pytest

from evals.failures.categories import ONLY_LENIENT
from tests.support.browse_rows import FILTERS
from workbench.app.browse import pages
from workbench.app.browse.filter import (
    CATEGORY_VALUES,
    FACETS,
    FIXED,
    TITLES,
    Filter,
    of_address,
    shown,
    to_address,
)


def test_a_filter_is_the_same_after_it_was_an_address():
    where = Filter("lenient", {"stage": ("sft", "base"), "category": (CATEGORY_VALUES[3],)}, "a&b")
    assert of_address(to_address(where)).key() == where.key()
    assert to_address(of_address({})) == {}


@pytest.mark.parametrize(
    "value", ["'; drop table base; --", "1 or 1=1", "../../etc/passwd", "$size", "{generations}"]
)
def test_what_an_address_says_is_a_value_and_never_a_question(still, value):
    store, rows, index = still
    address = {name: [value] for name in (*FACETS, "text", "grader")}
    where = of_address(address)
    assert where.grader == "strict"
    assert pages.total(index, store, where) == 0
    pages.counts(index, store, where)
    assert pages.total(index, store, Filter()) == len(rows)


@pytest.mark.parametrize(
    ("facet", "value", "nearest"),
    [
        ("category", "near mis", "near miss"),
        ("category", "corect, wrong format", "correct, wrong format"),
        ("category", "uncategorized", "no cause recognised"),
        ("category", "gold suspekt", "suspect reference answer"),
        ("category", "off by a units", "unit conversion"),
        ("category", "no eror", "no error"),
        ("category", "Token Limit", "token limit"),
        ("stage", "sfd", "sft"),
        ("stage", "Base", "base"),
        ("finish", "lenght", "length"),
        ("finish", "stopped", "stop"),
        ("correct", "corect", "correct"),
        ("format", "in-format", "valid format"),
        ("difficulty", "never rigth", "never correct"),
        ("run", "eval-sft-2", "eval-sft-1"),
        ("source", "min", "mine"),
        ("length", "under 46", "under 64"),
    ],
)
def test_a_value_that_no_generation_has_is_named_with_the_nearest(still, facet, value, nearest):
    store, _, index = still
    [problem] = pages.misspelt(index, store, Filter(chosen={facet: (value,)}))
    assert f"{TITLES[facet]} = {value!r}" in problem
    assert nearest in problem.partition("such as ")[2]


@pytest.mark.parametrize("facet", FIXED)
def test_a_misspelt_value_is_answered_with_names_that_pages_show(still, facet):
    store, _, index = still
    for value in FIXED[facet]:
        [problem] = pages.misspelt(index, store, Filter(chosen={facet: (f"{value}x",)}))
        names = problem.partition("such as ")[2]
        assert shown(facet, value) in names
        hidden = [name for name in FIXED[facet] if shown(facet, name) != name]
        labels = {shown(facet, name) for name in FIXED[facet]}
        assert not [name for name in hidden if name in names and name not in "".join(labels)]


def test_an_address_may_have_values_as_pages_show_them():
    address = {"category": ["correct, wrong format", "no error"], "correct": ["correct"]}
    where = of_address(address)
    assert where.of("category") == (ONLY_LENIENT, "nothing found")
    assert where.of("correct") == ("right",)


@pytest.mark.parametrize("where", FILTERS)
def test_values_that_there_are_and_tags_that_may_come_are_not_refused(still, where):
    store, _, index = still
    where = where.choosing("tag", ["soon"])
    misspelt = [value for value in where.of("run") if value == "nowhere"]
    assert len(pages.misspelt(index, store, where)) == len(misspelt)
