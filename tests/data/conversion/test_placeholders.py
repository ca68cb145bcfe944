"""Placeholders: what cannot be an answer is an error, what may be said of a thing is a warning."""

import pytest

from data.conversion.convert import convert
from data.conversion.error_texts import MAY_BE_PLACEHOLDER, PLACEHOLDER

PLACEHOLDERS = [
    "N/A", "n/a", "#N/A", "n.a.", "N. A.", "<none>", "<NA>", "<unknown>", "[deleted]", "[redacted]",
    "I don't know", "I do not know the answer.", "I don't know the answer to this question", "idk",
    "I'm not sure", "No idea", "No answer provided", "No solution given", "answer not provided",
    "The answer is not available", "no data available", "TBD", "[Your answer here]",
    "[insert number here]", "{answer}", "<final answer>", "(insert your final answer)",
    "your answer", "[[your_answer]]", "\\boxed{N/A}", "\\boxed{\\text{N/A}}",
    "\\boxed{\\text{answer here}}", "The answer is N/A.", "**Answer:** I don't know",
    "\\boxed{your answer}", "\\boxed{answer}", "\\boxed{ANSWER}", "\\boxed{\\text{answer}}",
    "\\boxed{value}", "[value]",
    "We add all of them, carefully and one after the other, so that it is not short: \\boxed{N/A}",
]  # fmt: skip
EMPTY = [
    "-", "\u2014", "...", "?", "#", "***", "____", "The answer is:", "Answer:", "$$", "\\( \\)",
    "So the final answer is", "\\boxed{}", "\\fbox{ }", "**Final answer:**", "\\boxed{?}",
    "\\boxed{\\,}", "\\boxed{\\quad}", "\\boxed{\\text{ }}", "\\boxed{\\ldots}",
    "\\boxed{\\_\\_\\_}",
    "\\boxed{\\underline{\\hspace{2cm}}}", "The answer is: -",
]  # fmt: skip
WORDS = [  # right answers of some question
    ("Na", "What is the symbol of sodium?"),
    ("none", "How many real roots has it? Write a word."),
    ("undefined", "What is the slope of x = 3?"),
    ("blank", "An empty page is a ... page."),
    ("Empty", "Is the glass full or not?"),
    ("missing", "The cat that nobody can find is ..."),
    ("unknown", "What does x stand for in algebra: an ..."),
    ("nil", "What is the score of a side without goals?"),
    ("null", "A hypothesis of no effect is the ... hypothesis."),
    ("NaN", "What is 0/0 in floating point?"),
    ("not given", "Does the text say that he left?"),
    ("Not applicable", "Which rule applies to cats?"),
    ("\\boxed{\\text{None}}", "Which of the numbers is even?"),
    ("The answer is: **undefined**", "What is 1/0?"),
    ("(none)", "Which holds?"),
    ("todo", "What is 'all' in Spanish?"),
    ("answer", "Another word for a reply, six letters?"),
    ("no answer", "What did she give?"),
    ("[None]", "Which list is it?"),
    ("void", "A contract without force is ..."),
]
MEANT = [
    ("N/A", "What does the Python code print?"),
    ("#N/A", "What does VLOOKUP show in Excel?"),
    ("<NA>", "What does `pd.NA` look like?"),
    ("I don't know", "If you are not sure, say I don't know."),
    ("N/A", "Fill in the cell, or N/A."),
    ("TBD", "Which is right, TBD or TBA?"),
    ("-", "Which operator gives 2 from 5 and 3?"),
    ("-", "Which goes in the blank: 5 _ 3 = 2?"),
    ("#", "What begins a comment in Python?"),
    ("?", "Which mark ends a question?"),
    ("...", "Which punctuation stands for what is left out?"),
    ("\u2014", "Which dash is the longest?"),
    ("_", "Which character may begin a name?"),
    ("$", "What is the sign of the dollar?"),
    ("*", "Is it '+' or '*'?"),
    (":", "Which fits? A) : B) ="),
    ("\\boxed{-}", "Which operation?"),
    ("\\boxed{\\#}", "What comes next in the pattern * # *?"),
]
ANSWERS = ["None of the above", "Nona", "NaCl", "no", "0", "The answer is 5", "-5", "null set",
           "your number", "(the value)", "no solution", "No, he is not", "nan bread",
           "\\boxed{5}", "\\boxed{\\varnothing}", "{}", "answer 5", "NO"]  # fmt: skip


def rows(answer: str, prompt: str = "How many apples?", thought: str = "We add 2 and 3."):
    """One row in each shape, with its shape."""
    tagged = f"<reasoning>{thought}</reasoning><answer>{answer}</answer>"
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": tagged}]
    stratos = [
        {"from": "user", "value": prompt},
        {"from": "assistant", "value": f"<think>{thought}</think>\n{answer}"},
    ]
    return [
        ({"prompt": prompt, "completion": f"<think>{thought}</think>\n{answer}"}, "completion"),
        ({"prompt": prompt, "reasoning": thought, "completion": answer}, "completion"),
        ({"question": prompt, "answer": f"{thought}\n#### {answer}"}, "gsm8k"),
        ({"messages": turns}, "messages"),
        ({"conversations": stratos}, "stratos"),
    ]


@pytest.mark.parametrize("answer", PLACEHOLDERS)
def test_a_placeholder_is_quarantined_as_one_in_every_shape(answer):
    assert {convert(*row).reason for row in rows(answer)} == {PLACEHOLDER}


@pytest.mark.parametrize("answer", ["[your answer here]", "\\boxed{answer here}", "<answer here>"])
def test_a_template_is_one_also_where_the_question_shows_it(answer):
    prompt = f"How many? Write your answer like this: {answer}"
    assert {convert(*row).reason for row in rows(answer, prompt)} == {PLACEHOLDER}


@pytest.mark.parametrize("answer", EMPTY)
def test_an_answer_that_says_nothing_is_empty_in_every_shape(answer):
    assert {convert(*row).reason for row in rows(answer)} == {"answer empty"}


@pytest.mark.parametrize(("answer", "prompt"), WORDS + MEANT)
def test_what_may_be_the_answer_is_trained_on_and_reported(answer, prompt):
    for row in rows(answer, prompt):
        result = convert(*row)
        assert result.outcome == "example"
        assert MAY_BE_PLACEHOLDER in {defect.phrase for defect in result.defects}


@pytest.mark.parametrize("answer", ANSWERS)
def test_other_answers_are_not_reported(answer):
    for row in rows(answer):
        result = convert(*row)
        assert result.outcome == "example"
        assert not {PLACEHOLDER, MAY_BE_PLACEHOLDER} & {d.phrase for d in result.defects}


def test_prompts_of_marks_are_looked_at_in_linear_time():
    for prompt in ("'" * 200_000, "A) " * 100_000, "- " * 200_000):
        [row] = [row for row in rows("-", prompt) if "completion" in row[0] and len(row[0]) == 2]
        assert convert(*row).reason == "answer empty"


EVERYDAY = ["In a period of 3 days?", "The two signs are lost. How many?", "How many keys?",
            "How many do they return?", "What is the factory's output?", "Let f be a function.",
            "A program of 3 songs lasts?", "What mark did he get?", "A python eats?",
            "x is a variable."]  # fmt: skip


@pytest.mark.parametrize("prompt", EVERYDAY)
@pytest.mark.parametrize("answer", ["N/A", "#N/A", "<none>", "[redacted]", "...", "-", "?"])
def test_an_everyday_word_of_the_question_lets_no_placeholder_pass(answer, prompt):
    assert {convert(*row).outcome for row in rows(answer, prompt)} == {"quarantined"}


@pytest.mark.parametrize("answer", ["If", "3,", "x=", "5+", "a,", "(", "\\("])
@pytest.mark.parametrize("prompt", ["How many apples?", "Which operator fits?"])
def test_a_short_text_that_breaks_off_is_no_mark(answer, prompt):
    row = {"prompt": prompt, "completion": f"<think>We add 2 and 3.</think>\n{answer}"}
    assert convert(row, "completion").reason == "text cut off"


def test_a_mark_that_a_question_wants_is_an_answer():
    row = {"prompt": "Which operator fits?", "completion": "<think>We add 2 and 3.</think>\n+"}
    assert convert(row, "completion").outcome == "example"
    assert convert({**row, "prompt": "How many?"}, "completion").outcome == "quarantined"
