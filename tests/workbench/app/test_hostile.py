"""Every page, with its details open, over a store whose every text would do harm as markup."""

import pytest

from tests.support import hostile

PAGES = ("overview", "audit", "failures", "rollouts", "compare", "curate", "lineage", "train")


@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_more_than_text_on_any_page_with_its_details_and_none_is_empty(show, full, name):
    addresses = [address for page, address in hostile.addresses(full) if page == name]
    assert addresses
    for address in addresses:
        page = show(name, **address)
        hostile.check(page)
        assert [info.value for info in page.info if " yet" in info.value] == []
        if "generation" in address:
            assert any("Reference answer" in text.value for text in page.text)


def test_a_generation_of_every_text_is_opened(full):
    generations = [one["generation"] for page, one in hostile.addresses(full) if page == "failures"]
    assert [sum(one.startswith(f"{name} ") for one in generations) for name in hostile.TEXTS] == [
        1
    ] * len(hostile.TEXTS)
