"""Replies of a server: text, finish reason and number of tokens."""

import pytest

from pipeline.evaluate.answers import Answer
from pipeline.evaluate.served.replies import answer_of
from pipeline.evaluate.served.requests import Request
from tests.support.served import chat

REQUEST = Request("p0", 0, [], temperature=0.0, top_p=1.0, top_k=0, max_tokens=9, seed=1)


@pytest.mark.parametrize(
    ("finish", "tokens", "expected"),
    [
        ("stop", 7, (7, "stop")),
        ("length", 0, (0, "length")),
        ("content_filter", None, (None, None)),
        (None, "7", (None, None)),
        ("stop", True, (None, "stop")),
        ("stop", -1, (None, "stop")),
    ],
)
def test_finish_and_tokens_are_the_servers_or_unknown(finish, tokens, expected):
    answer = answer_of(REQUEST, chat("x", finish, tokens).value)
    assert isinstance(answer, Answer)
    assert (answer.tokens, answer.finish) == expected


def test_an_empty_text_is_an_answer_and_a_lone_surrogate_is_replaced():
    texts = [answer_of(REQUEST, chat(content).value) for content in ("", "a\ud83d!")]
    assert [text.text for text in texts if isinstance(text, Answer)] == ["", "a\ufffd!"]
