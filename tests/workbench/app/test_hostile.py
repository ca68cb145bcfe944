"""Every page, with its details open, over a store whose every text would do harm as markup."""

import pytest

from tests.support import hostile

PAGES = ("overview", "audit", "failures", "rollouts", "compare", "curate", "lineage", "train")


@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_more_than_text_on_any_page_with_its_details(show, full, name):
    for page, address in hostile.addresses(full):
        if page == name:
            hostile.check(show(name, **address))


def test_no_page_of_the_store_is_empty(show, full):
    messages = [
        (name, info.value)
        for name, address in hostile.addresses(full)
        for info in show(name, **address).info
    ]
    assert [one for one in messages if " yet" in one[1]] == []
