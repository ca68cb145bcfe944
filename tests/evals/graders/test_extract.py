"""The answer of a text is what stands last and is marked as final, after the thought."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from data.conversion.dialects import BUNDLED
from data.response_format import INSTRUCTION, render
from evals.graders import extract
from evals.graders.announcements import last_announcement
from evals.graders.compare import within_ten_percent
from evals.graders.extract import Answer, find_answer
from evals.graders.thought import after_thought


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5. Final answer: 6", "6"),
        ("Final answer: 6. The answer is 5", "5"),
        ("#### 3\nA: 4", "4"),
        ("#### 3\nthe answer is clear", "3"),
    ],
)
def test_of_several_announcements_the_last_one_counts(text, answer):
    assert find_answer(text) == Answer(answer)


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.text())
def test_extraction_never_fails(text, more):
    for part in ("\\boxed{", "<think>", "answer is ", "\n#### 5\nQuestion: "):
        find_answer(text + part + more)
        find_answer(text + part + more, gold_is_number=False)


@pytest.mark.parametrize("dialect", BUNDLED.dialects.values(), ids=lambda dialect: dialect.name)
def test_the_answer_is_looked_for_after_the_thought_of_every_dialect(dialect):
    closed = "".join((*dialect.thought_close[:1], *dialect.answer_open[:1]))
    text = f"{dialect.thought_open[0]}maybe \\boxed{{7}}{closed}It is 5 in all."
    assert (after_thought(text) or "").removeprefix(
        *dialect.answer_open[:1] or [""]
    ) == "It is 5 in all."
    assert find_answer(text) == Answer("5")


@pytest.mark.parametrize("dialect", BUNDLED.dialects.values(), ids=lambda dialect: dialect.name)
def test_a_thought_that_never_ends_has_no_answer(dialect):
    assert find_answer(f"{dialect.thought_open[0]}So \\boxed{{7}}. Wait") == Answer(None)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("no thought at all", "no thought at all"),
        ("16 - 3 = <<16-3=13>>13", "16 - 3 = <<16-3=13>>13"),
        ("a < b and c > d", "a < b and c > d"),
        ("<THINK>r</THINK>5", "5"),
        ('<mm:think kind="x">r</mm:think>5', "5"),
        ("<think>a</think>5<think>b</think>6", "6"),
        ("The answer is 5.<think>r", "The answer is 5."),
        ("The answer is 5.<think>r</think>", "The answer is 5."),
        ("<reasoning>r<answer>7</answer>", "<answer>7</answer>"),
    ],
)
def test_after_the_thought(text, after):
    assert after_thought(text) == after


def test_the_numbers_of_a_question_that_is_repeated_are_no_answer():
    echo = f"{INSTRUCTION}\n\nHow much are 3 pens of $5 and $15?"
    assert find_answer(echo) == Answer(None)
    assert find_answer(f"{echo}\n<answer>45</answer>") == Answer("45")
    assert find_answer(f"It is 45.\n{echo}") == Answer("45")


def test_ten_percent_includes_its_bounds_and_zero_is_near_zero_only():
    assert [within_ten_percent(Fraction(v), Fraction(100)) for v in (89, 90, 110, 111)] == [
        False,
        True,
        True,
        False,
    ]
    assert within_ten_percent(Fraction(0), Fraction(0))
    assert not within_ten_percent(Fraction(1, 100), Fraction(0))


plain = st.text().filter(lambda text: "<" not in text and bool(text.strip()))


@settings(deadline=None)  # the machine may be busy
@given(plain, plain)
def test_what_training_renders_is_well_formed(reasoning, answer):
    assert extract.well_formed(render(reasoning, answer)) == extract.Blocks(reasoning, answer)


@settings(deadline=None)  # the machine may be busy
@given(plain, plain, plain)
def test_nothing_may_stand_around_or_between_the_blocks(reasoning, answer, more):
    text = render(reasoning, answer)
    assert extract.well_formed(text + more) is None
    assert extract.well_formed(more + text) is None
    assert extract.well_formed(text.replace("\n<answer>", f"{more}<answer>")) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{1} then \\boxed{\\frac{3}{4}} done}", "\\frac{3}{4}"),
        ("\\boxed{3", None),
        ("The answer is 7.\nI think the answer is correct.", "7"),
        ("on route-66", "66"),
        ("it fell to -66", "-66"),
        ("earlier I had 16, so", "16"),
        ("\\boxed{1} and \\boxed{-2}", "1, -2"),
        ("\\boxed{1}, then for the rest \\boxed{2}", "2"),
        ("Final Answer: The largest $n$ is 34.", "The largest $n$ is 34"),
        ("The final answer is $10,455$. I hope it is correct.", "$10,455$"),
        ("I paid $5 and got $6", "$6"),
        ("nothing at all", None),
        ("There are twelve of them", "twelve"),
        ("He needs 12 eggs in one day", "12"),
    ],
)
def test_the_answer_is_what_boxes_announcements_and_numbers_mark(text, answer):
    assert find_answer(text) == Answer(answer)


def test_where_the_gold_is_no_number_words_are_announced_too():
    text = "The answer is the point (3, 4)."
    assert last_announcement(text, gold_is_number=False) == ("the point (3, 4)", 4)
    assert (
        find_answer("Hence $x \\geq 5$ for all of them.", gold_is_number=False).text == "x \\geq 5"
    )
    assert last_announcement("The answer is clear.", gold_is_number=False) is None
