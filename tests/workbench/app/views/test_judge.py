"""The page Judges: how good a judge is, and labels of a blind sample."""

import pytest

from data.store.store import ask
from evals.judge.blind_sample import sample_to_label
from tests.evals.judge.test_agreement import JUDGE, judged
from tests.support.evaluation import evaluate

PAGE = "judge"


@pytest.fixture
def graded(here):
    """Six answers; the judge differs from the rule on the first two."""
    evaluate(here, "eval", "sft", ["7", "8", "7", "8", "7", "8"])
    judged(here, "eval", {f"p{n}:eval": n % 2 == (n < 2) for n in range(6)})
    return here


def test_without_a_judge_the_page_says_what_to_run(show, here):
    page = show(PAGE)
    assert "no judge yet" in page.info[0].value
    assert "judge add RUBRIC.toml" in page.code[0].value


def test_labels_are_stored_one_after_the_other_and_no_verdict_is_shown(show, graded):
    page = show(PAGE)
    assert not page.exception
    assert "is not validated: 0 of its verdicts" in page.warning[0].value
    first, second = (row["generation_id"] for row in sample_rows(graded)[:2])
    button(page, "Wrong").click().run()
    assert ask(graded, "select generation_id, verdict from labels").rows() == [(first, "wrong")]
    button(page, "Right").click().run()
    button(page, "Back").click().run()
    assert "2 of 6, labelled right" in [one.value for one in page.caption]
    button(page, "Unsure").click().run()
    assert ask(graded, "select verdict from labels where generation_id = $g", g=second).rows() == [
        ("unsure",)
    ]
    again = show(PAGE)
    assert "3 of 6" in [one.value for one in again.caption]
    shown = [*again.text, *again.markdown, *again.caption, *again.get("html")]
    assert not any("correct" in str(one.proto) for one in shown)


def test_a_page_that_only_reads_takes_no_label(show, graded, monkeypatch):
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    assert button(show(PAGE), "Right").disabled


@pytest.mark.parametrize("page", ["overview", "failures", "compare"])
def test_a_judge_can_be_chosen_where_a_grader_is_and_is_marked(show, graded, page):
    evaluate(graded, "other", "base", ["7"] * 6)
    judged(graded, "other", {f"p{n}:other": True for n in range(6)})
    shown = show(page, grader=JUDGE)
    assert not shown.exception
    [grader] = [one for one in shown.selectbox if one.label == "Grader"]
    assert (grader.value, grader.options[-1]) == (JUDGE, JUDGE)
    assert any("judge:check is not validated" in one.value for one in shown.warning)


def sample_rows(store) -> list[dict]:
    from workbench.lookup import user_name

    return sample_to_label(store, JUDGE, user_name())["rows"]


def button(page, label: str):
    [one] = [one for one in page.button if one.label == label]
    return one
