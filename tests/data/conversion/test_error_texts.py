"""Error texts: a text that is nothing but an error or a refusal, never one that begins like it."""

import pytest

from data.conversion.convert import convert
from data.conversion.error_texts import PHRASE, error_text

SORRY = "I'm sorry, but I can't help with that."


def reason(prompt="How many?", thought="Two and three.", answer="5"):
    row = {"prompt": prompt, "completion": f"<think>{thought}</think>{answer}"}
    return convert(row, "completion").reason


@pytest.mark.parametrize(
    "prompt",
    [
        "I'm sorry for the long question. A train leaves at 5. When is it there?",
        "I'm sorry, I can't find the value of x in 2x = 4. Can you?",
        "Error: list index out of range. Why does my loop over 4 items fail at index 4?",
        "Error: 3 % of 200 items. How many?",
        "Traceback (most recent call last): ZeroDivisionError. What do I divide by?",
        "500 apples are shared by 5 people. How many has each?",
        "502 Bad Gateway: what does this mean?",
        "<html><p>3</p></html> How many tags?",
        "As an AI model, explain 2 + 3.",
        "Nan has 3 pens and buys 2. How many?",
        "None of 5 pens is red. How many are not?",
        "Rate limit of 5 per minute: how many per hour?",
    ],
)
def test_questions_of_people_are_no_error_texts(prompt):
    assert reason(prompt=prompt) is None


@pytest.mark.parametrize(
    "thought",
    [
        "I am unable to factor it directly, so I try 2.",
        "I cannot see a pattern at first. Let me add: 2 + 3 = 5.",
        "I'm sorry, I can't do this in my head: 2 + 3 = 5.",
        "Error: I added wrongly. Again: 2 + 3.",
        "I can't help but notice that it is symmetric.",
        "500 is more than 5.",
        "Sorry, that was wrong. It is five.",
        "Connection between both: the sum.",
    ],
)
def test_thoughts_that_begin_like_an_error_are_no_error_texts(thought):
    assert reason(thought=thought) is None


@pytest.mark.parametrize(
    "answer",
    ["Error: 3\\%", "500", "Error", "Error: not a number", "<html></html>", "{\"error\": 0.5}",
     "I am unable to move the 5 discs in fewer moves"],
)  # fmt: skip
def test_answers_that_look_like_an_error_are_answers(answer):
    assert reason(answer=answer) is None


@pytest.mark.parametrize("answer", ["null", "NaN", "None", "undefined", "n/a"])
def test_a_placeholder_is_an_answer_where_the_question_means_it(answer):
    assert reason(prompt=f"Which is right: 5, 6 or {answer}?", answer=answer) is None
    assert reason(prompt="What does this Python function return?", answer=answer) is None
    expected = "placeholder instead of an answer" if answer == "n/a" else None
    assert reason(answer=answer) == expected


@pytest.mark.parametrize(
    "text",
    [
        SORRY,
        "Sorry, but I cannot assist with this request.",
        "I cannot assist with that.",
        "As an AI language model, I cannot do that.",
        "I\u2019m sorry, I am unable to help.",
        "Error: timeout",
        "Error: the request timed out.",
        "Error code: 429 - Rate limit reached",
        "502 Bad Gateway",
        "Internal Server Error",
        '{"error": {"message": "overloaded", "type": "server_error"}}',
        "<html><head><title>503 Service Unavailable</title></head></html>",
        "[object Object]",
    ],
)
def test_an_error_or_a_refusal_alone_is_an_error_text_wherever_it_stands(text):
    assert reason(thought=text) == PHRASE
    assert reason(answer=text) == PHRASE
    assert reason(prompt=text) == PHRASE
    assert convert({"prompt": "q?", "completion": text}, "completion").reason == PHRASE
    before = f"{text}\n\n<think>Two and three.</think>5"
    is_value = text == "[object Object]"
    result = convert({"prompt": "q?", "completion": before}, "completion").reason
    assert result == (None if is_value else PHRASE)


@pytest.mark.parametrize("role", ["completion", "reasoning", "answer", "prompt"])
@pytest.mark.parametrize("unit", ["error ", "sorry i can't ", " ", "<html", "i am ", "as an ai "])
def test_long_texts_are_looked_at_in_linear_time(unit, role):
    assert len(error_text(unit * 200_000, "completion", role=role)) <= 1
