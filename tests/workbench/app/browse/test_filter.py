"""A filter and its address: its values are values, and one that no row has is named."""

import pytest

from evals.failures.categories import ONLY_LENIENT
from tests.support.browse_rows import FILTERS
from workbench.app.browse import pages
from workbench.app.browse.filter import CATEGORY_VALUES, FACETS, Filter, of_address, to_address


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
        ("category", "correct, wrong format", ONLY_LENIENT),
        ("category", "Token Limit", "token limit"),
        ("stage", "sfd", "sft"),
        ("stage", "Base", "base"),
        ("finish", "lenght", "length"),
        ("finish", "stopped", "stop"),
        ("correct", "correct", "right"),
        ("format", "in-format", "in format"),
        ("run", "eval-sft-2", "eval-sft-1"),
        ("source", "min", "mine"),
        ("length", "under 46", "under 64"),
    ],
)
def test_a_value_that_no_generation_has_is_named_with_the_nearest(still, facet, value, nearest):
    store, _, index = still
    [problem] = pages.misspelt(index, store, Filter(chosen={facet: (value,)}))
    assert f"{facet} = {value!r}" in problem
    assert nearest in problem


@pytest.mark.parametrize("where", FILTERS)
def test_values_that_there_are_and_tags_that_may_come_are_not_refused(still, where):
    store, _, index = still
    where = where.choosing("tag", ["soon"])
    misspelt = [value for value in where.of("run") if value == "nowhere"]
    assert len(pages.misspelt(index, store, where)) == len(misspelt)
