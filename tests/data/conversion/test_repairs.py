"""Repairs: off unless asked for, each mends its own damage alone, and says where."""

import pytest

from data.conversion.convert import convert
from data.conversion.repairs import RULES

OPEN, CLOSE, ANSWER, END = "<reasoning>", "</reasoning>", "<answer>", "</answer>"
CASES = {
    "open-thought-at-start": (f"three and four{CLOSE}\n{ANSWER}7{END}", "thought never opened", 0),
    "close-thought-at-answer": (
        f"{OPEN}three and four\n{ANSWER}7{END}",
        "thought never closed",
        26,
    ),
    "close-answer-at-end": (f"{OPEN}three and four{CLOSE}\n{ANSWER}7", "text cut off", 47),
}


def of(text: str, *rules: str):
    row = {"prompt": "How many?", "completion": text}
    return convert(row, "completion", rules=frozenset(rules))


def test_each_rule_has_a_case():
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_without_its_rule_the_row_is_quarantined_and_with_it_kept_and_marked(rule):
    text, reason, at = CASES[rule]
    other_rules = RULES.keys() - {rule}
    assert of(text).reason == of(text, *other_rules).reason == reason
    result = of(text, rule)
    assert result.example, result.defects
    assert (result.example.reasoning.text, result.example.answer.text) == (
        "three and four",
        "7",
    )
    [mark] = [rewrite for rewrite in result.rewrites if rewrite.rule == rule]
    assert (mark.field, mark.start, mark.end, mark.before) == ("completion", at, at, "")
    assert mark.after in (OPEN, CLOSE, END)
    for span in (result.example.reasoning, result.example.answer):
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize("rule", RULES)
def test_a_whole_row_is_the_same_under_every_rule(rule):
    text = f"{OPEN}three and four{CLOSE}\n{ANSWER}7{END}"
    assert of(text, rule) == of(text)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "text",
    [
        f"{ANSWER}7{END}\n{OPEN}three",
        f"{CLOSE}{OPEN}three{ANSWER}7",
        f"{OPEN}three",
        "no marker",
        f"{ANSWER}",
        f"{OPEN}{CLOSE}{ANSWER}",
    ],
)
def test_what_a_rule_does_not_mend_stays_quarantined_with_its_reason(rule, text):
    result = of(text, rule)
    assert result.example is None
    assert result.reason


def test_a_text_that_breaks_off_in_a_word_stays_quarantined_when_its_answer_is_closed():
    text = f"{OPEN}three and four{CLOSE}\n{ANSWER}7 and then we add the"
    assert of(text, "close-answer-at-end").reason == "text cut off"


def test_rules_are_part_of_the_converters_name_and_together_they_mend_two_faults():
    text = f"{OPEN}three and four\n{ANSWER}7"
    assert of(text, "close-thought-at-answer").reason == "text cut off"
    result = of(text, "close-thought-at-answer", "close-answer-at-end")
    assert result.example
    assert len(result.rewrites) == 2


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("text", ["three and four</think>\n7", "<think>three and four</think>\n7"])
def test_where_a_marker_may_be_missing_no_rule_puts_it_there(rule, text):
    assert of(text).example
    assert of(text, rule) == of(text)
