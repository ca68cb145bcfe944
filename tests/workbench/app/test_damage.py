"""Every page on a damaged store: what is wrong and what to do, in place of a traceback."""

import shutil

import pytest

from tests.support.evaluation import evaluate


def messages(page) -> str:
    return "\n".join(one.value for kind in (page.error, page.text) for one in kind)


@pytest.fixture
def damaged(here, tmp_path):
    """A store that has lost the scores of a run, and its folder."""
    evaluate(here, "eval-base", "base", ["7", "1"])
    shutil.rmtree(tmp_path / "store/scores")
    return here


def test_lost_parts_are_explained_with_the_command_for_this_store(show, damaged):
    page = show("main")
    assert page.error[0].value == "The store cannot be read."
    assert "1 part of scores is gone" in messages(page)
    command = f"thinkbench --store {damaged.folder} store repair"
    assert command in messages(page)
    assert f"thinkbench --store {damaged.folder} doctor" in page.code[0].value


def test_a_store_whose_mark_is_damaged_is_explained(show, here, tmp_path):
    (tmp_path / "store/STORE.json").write_text("{")
    page = show("main")
    assert page.error[0].value == "The store cannot be read."
    assert "expected a format_version" in messages(page)
