"""Failure categories: planted failures are detected with their span, and nothing else."""

import pytest
from hypothesis import given, settings, strategies as some

from evals.failures.categories import CATEGORIES, categories
from evals.failures.suspect_golds import is_gold_suspect
from evals.graders.rules import GRADERS
from tests.support.rows import PIECES

QUESTION = "Ann has 12 boxes of 5 pens. She gives 3 pens away. How many are left?"
GOLD = "57"
GOOD = "<reasoning>12 * 5 = 60 and 60 - 3 = 57.</reasoning>\n<answer>57</answer>"


def categories_of(text: str, finish: str | None = "stop", gold: str = GOLD):
    strict, lenient = (GRADERS[name].grade(text, gold) for name in ("strict", "lenient"))
    return categories(text, QUESTION, gold, finish, strict, lenient)


def answering(answer: str, reasoning: str = "I count the pens.") -> str:
    return f"<reasoning>{reasoning}</reasoning>\n<answer>{answer}</answer>"


PLANTED = {
    "right": (GOOD, set()),
    "empty": (" \n", {"empty"}),
    "only prose": ("I count them. The answer is 57.", {"no format", "right only under lenient"}),
    "text around": (f"Sure! {GOOD}", {"no format", "text outside the blocks",
                                      "right only under lenient"}),
    "no answer": ("I do not see how to go on.", {"no format", "no final answer"}),
    "two blocks": (GOOD + "<answer>58</answer>", {"no format", "two answers", "near miss",
                                                  "off by one"}),
    "two numbers": (answering("56 or 58"), {"two answers"}),
    "no number": (answering("many"), {"answer not a number"}),
    "near": (answering("55"), {"near miss"}),
    "sign": (answering("-57"), {"off by sign"}),
    "tens": (answering("5700"), {"off by a factor of 10", "off by a unit"}),
    "unit": (answering("3420"), {"off by a unit"}),
    "one more": (answering("58"), {"near miss", "off by one"}),
    "copied": (answering("12"), {"copied from the question"}),
    "slip": (answering("55", "12 * 5 = 58 and 58 - 3 = 55."), {"arithmetic slip", "near miss"}),
    "contradiction": (answering("57", "12 * 5 = 60, so 60 - 4 = 56."), {"contradictory reasoning"}),
    "loop": (answering("57", "and so we go on, " * 40), {"degenerate loop"}),
    "wrong in every way": (answering("41"), {"uncategorised"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PLANTED.values(), ids=list(PLANTED))
def test_what_is_planted_is_found_and_nothing_else(text, expected):
    assert {category.name for category in categories_of(text)} == expected


@pytest.mark.parametrize(
    "before",
    [
        "I give only the final answer between <answer> and </answer>. ",
        "The format is <answer>...</answer>. ",
        "`<answer>` and `</answer>`, <answer>\u2026</answer>. ",
        "Use <answer>your final answer</answer> for it. ",
        "<answer> </answer> ",
        "<ANSWER>and</ANSWER> ",
    ],
)
def test_a_text_that_says_the_instruction_again_has_one_answer(before):
    names = {category.name for category in categories_of(before + answering("55"))}
    assert "two answers" not in names
    assert "no format" in names
    two = {category.name for category in categories_of(before + answering("55") * 2)}
    assert "two answers" in two


CUT = "12 * 5 = 60, and 60 - 5 = 55 pens, but wait"


@pytest.mark.parametrize(
    ("text", "finish", "expected"),
    [
        (f"<think>{CUT}", None, {"unfinished thought", "no final answer"}),
        (f"<think>{CUT}", "length", {"unfinished thought", "token limit", "no final answer"}),
        (f"<|begin_of_thought|>\n{CUT}", "stop", {"unfinished thought", "no final answer"}),
        (f"<reasoning>{CUT}", "length", {"unfinished thought", "token limit", "no final answer"}),
        (f"<thinking>{CUT}", "length", {"unfinished thought", "token limit", "no final answer"}),
        (f"◁think▷{CUT}", None, {"unfinished thought", "no final answer"}),
        (CUT, "length", {"token limit", "no final answer"}),
        (f"{CUT}\n\nI do not see how to go on.", "stop", {"no final answer"}),
        (f"<think>{CUT}</think>\n\nI am not sure.", "stop", {"no final answer"}),
        ("and so we go on with 12, " * 40, "stop", {"degenerate loop", "no final answer"}),
        (f"<think>{CUT}</think>\n\nThe answer is 55.", "stop", {"near miss"}),
        (f"<think>{CUT}</think>\n\nSo \\boxed{{12}} pens.", "stop", {"copied from the question"}),
        ("12 * 5 = 60. So she has 55 pens left.", "stop", {"near miss"}),
        ("12 * 5 = 60.\n#### 58", None, {"near miss", "off by one"}),
        ("The answer is 41.", "stop", {"uncategorised"}),
        ("The answer is 57.", "length", {"token limit", "right only under lenient"}),
    ],
)
def test_the_true_cause_comes_first_and_a_number_of_a_thought_is_no_near_miss(
    text, finish, expected
):
    names = [category.name for category in categories_of(text, finish)]
    assert set(names) - {"no format"} == expected
    causes = ["unfinished thought", "token limit", "degenerate loop", "no final answer"]
    first = [name for name in causes if name in expected]
    assert names[: len(first)] == first


def test_every_category_has_a_meaning_of_one_line():
    assert all(means and "\n" not in means and len(means) < 90 for means in CATEGORIES.values())
    assert {"uncategorised", "gold suspect", "no final answer"} <= CATEGORIES.keys()


@pytest.mark.parametrize(
    ("text", "name", "evidence"),
    [
        (PLANTED["slip"][0], "arithmetic slip", "12 * 5 = 58"),
        (PLANTED["contradiction"][0], "contradictory reasoning", "= 56"),
        (PLANTED["near"][0], "near miss", "55"),
        (PLANTED["text around"][0], "text outside the blocks", "Sure! "),
        (PLANTED["two blocks"][0], "two answers", "<answer>"),
    ],
)
def test_the_evidence_stands_where_its_span_says(text, name, evidence):
    [span] = [(c.start, c.end) for c in categories_of(text) if c.name == name]
    assert text[slice(*span)] == evidence


def test_a_gold_is_suspect_where_four_samples_agree_on_another_answer():
    assert is_gold_suspect([58, 58, 58, 58], [57])
    assert not is_gold_suspect([58, 58, 58], [57])
    assert not is_gold_suspect([58, 58, 58, 57], [57])
    assert not is_gold_suspect([57, 57, 57, 57], [57])
    assert not is_gold_suspect([None] * 4, [57])
    assert not is_gold_suspect([58] * 4, None)


@settings(max_examples=300, deadline=None)
@given(
    some.lists(
        some.sampled_from(
            [*PIECES[:20], "<reasoning>", "</reasoning>", "<answer>", "</answer>", "57", "1+1=3"]
        )
    ).map("".join),
    some.sampled_from(["stop", "length", None]),
)
def test_of_any_text_every_category_is_known_once_in_order_and_within_the_text(text, finish):
    seen = categories_of(text, finish)
    order = [list(CATEGORIES).index(category.name) for category in seen]
    assert order == sorted(order)
    for category in seen:
        assert 0 <= category.start <= category.end <= len(text)
