"""Reference answers of several correct targets: whatever equals one of them is correct."""

import pytest

from evals.failures.categories import categories
from evals.failures.suspect_golds import is_gold_suspect
from evals.graders.rules import GRADERS
from evals.graders.targets import OR, gold_numbers, joined_targets, targets_of
from evals.scores.grader_choice import fitting_graders
from evals.scores.same_problem import content_of_problem

BOTH = joined_targets(["7", "x + 1"])


def verdict(answer: str, *targets: str, name: str = "lenient") -> bool | None:
    gold = joined_targets(targets)
    text = f"<reasoning>So.</reasoning><answer>{answer}</answer>"
    return GRADERS[name].grade(text, gold).correct


@pytest.mark.parametrize("name", ["strict", "lenient", "math"])
@pytest.mark.parametrize(
    ("answer", "targets", "correct"),
    [
        ("7", ("7", "8"), True),
        ("8", ("7", "8"), True),
        ("8.0", ("7", "8"), True),
        ("9", ("7", "8"), False),
        ("7", ("7", "seven"), True),
        ("seven", ("7", "seven"), True),
        ("8", ("7", "seven"), False),
        ("0.5", ("\\frac{1}{2}", "2"), True),
        ("x + 1", ("7", "1 + x"), True),
        ("x + 2", ("7", "1 + x"), False),
        ("40%", ("0.4", "12"), None),
        ("40%", ("0.4", "40"), True),
        ("12 or 13", ("5", "12"), None),
        ("12 or 13", ("5", "6"), False),
        ("B", ("A", "B"), True),
        ("C", ("A", "B"), False),
        ("a city in France", ("12", "the town of Paris"), None),
        ("Paris", ("Lutetia", "Paris"), True),
        ("7 or 8", ("7", "8"), None),
    ],
)
def test_an_answer_is_correct_if_it_equals_any(name, answer, targets, correct):
    assert verdict(answer, *targets, name=name) is correct
    assert verdict(answer, *reversed(targets), name=name) is correct


def test_the_notebooks_grader_takes_any_too():
    assert [verdict(answer, "7", "8", name="notebook") for answer in "789"] == [True, True, False]


def test_an_undecided_score_has_the_reason_of_the_target_that_is_undecided():
    score = GRADERS["lenient"].grade("The answer is 40%.", joined_targets(["12", "0.4"]))
    assert (score.correct, score.extracted) == (None, "40%")
    assert score.reason is not None


def test_one_within_ten_percent_of_any_is_near():
    near = GRADERS["lenient"].grade("The answer is 95.", joined_targets(["7", "100"]))
    assert (near.correct, near.partial) == (False, True)


def test_targets_are_kept_as_they_are_and_each_once():
    texts = ["7", "7", " ", "seven, i.e. 7", "\\frac{1}{2}", "a|b"]
    assert targets_of(joined_targets(texts)) == ["7", "seven, i.e. 7", "\\frac{1}{2}", "a|b"]
    assert joined_targets([" 7 "]) == "7"
    assert joined_targets(["", " "]) == ""
    assert gold_numbers(BOTH) is None
    assert gold_numbers(f"7{OR}seven") == [7, 7]


def test_problems_are_one_in_whatever_order_their_targets_stand():
    assert content_of_problem("?", f"7{OR}8") == content_of_problem("?", f"8.0{OR}7")
    assert content_of_problem("?", f"7{OR}7.0") == content_of_problem("?", "7")
    assert content_of_problem("?", f"7{OR}8") != content_of_problem("?", "7")


def test_failures_are_measured_from_all_targets():
    def names(answer: str, gold: str) -> list[str]:
        text = f"So {answer}.\n#### {answer}"
        scores = [GRADERS[name].grade(text, gold) for name in ("strict", "lenient")]
        errors = categories(text, "?", gold, "stop", scores[0], scores[1])
        return [category.name for category in errors if category.name != "no format"]

    assert names("101", f"7{OR}100") == ["near miss", "off by one"]
    assert names("-7", f"100{OR}7") == ["off by sign"]
    assert names("100", f"7{OR}100") == ["right only under lenient"]
    assert not is_gold_suspect([8] * 4, gold_numbers(f"7{OR}8"))
    assert is_gold_suspect([9] * 4, gold_numbers(f"7{OR}8"))


def test_the_graders_that_fit_are_chosen_by_each_target():
    assert fitting_graders(["7"], [f"7{OR}8"]) == ("lenient",)
    assert fitting_graders(["7"], [BOTH]) == ("math", "lenient")
