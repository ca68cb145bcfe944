"""Replies of a server: text, finish reason, tokens; and which replies hold no answer."""

import pytest

from pipeline.evaluate.answers import Answer, Unanswered
from pipeline.evaluate.served.replies import answer_of
from pipeline.evaluate.served.requests import Request
from tests.support.served import chat

REQUEST = Request("p0", 0, [], temperature=0.0, top_p=1.0, top_k=0, max_tokens=9, seed=1)
TEXT = {"type": "text", "text": "It is 5."}


def text_of(content, finish="stop", **message) -> str | None:
    outcome = answer_of(REQUEST, chat(content, finish, **message).value)
    return outcome.text if isinstance(outcome, Answer) else None


def reason_of(reply) -> tuple[str, bool] | None:
    outcome = answer_of(REQUEST, reply)
    return (outcome.reason, outcome.retryable) if isinstance(outcome, Unanswered) else None


@pytest.mark.parametrize(
    ("finish", "tokens", "expected"),
    [
        ("stop", 7, (7, "stop")),
        ("length", 0, (0, "length")),
        ("MAX_TOKENS", 7, (7, "length")),
        ("STOP", 7, (7, "stop")),
        ("eos", 7, (7, "stop")),
        ("tool_calls", None, (None, None)),
        (None, "7", (None, None)),
        (5, 7, (7, None)),
        ("stop", True, (None, "stop")),
        ("stop", -1, (None, "stop")),
    ],
)
def test_finish_and_tokens_are_the_servers_or_unknown(finish, tokens, expected):
    answer = answer_of(REQUEST, chat("x", finish, tokens).value)
    assert isinstance(answer, Answer)
    assert (answer.tokens, answer.finish) == expected


def test_an_empty_text_is_an_answer_and_a_lone_surrogate_is_replaced():
    assert [text_of(content) for content in ("", "a\ud83d!")] == ["", "a\ufffd!"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([TEXT], "It is 5."),
        (TEXT, "It is 5."),
        (["It is ", "5."], "It is 5."),
        ([{"type": "output_text", "text": "It is "}, {"type": "text", "text": "5."}], "It is 5."),
        ([{"text": "It is 5."}], "It is 5."),
        ([], None),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "2 + 3"}]}, TEXT],
         "<think>2 + 3</think>\nIt is 5."),
        ([{"type": "thinking", "thinking": "2 + 3", "signature": "x"}, TEXT],
         "<think>2 + 3</think>\nIt is 5."),
        ([{"type": "reasoning", "text": "2 +"}, {"type": "reasoning", "text": " 3"}, TEXT],
         "<think>2 + 3</think>\nIt is 5."),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "2 + 3"}]}, TEXT],
         "<think>2 + 3</think>\nIt is 5."),
        ([{"type": "redacted_thinking", "data": "xyz"}, TEXT], "It is 5."),
        ([{"type": "refusal", "refusal": "I will not."}], "I will not."),
    ],
)  # fmt: skip
def test_the_text_parts_of_a_content_are_the_answer_and_its_thoughts_are_kept(content, text):
    assert text_of(content) == text


@pytest.mark.parametrize(
    "part",
    [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text"}, {"type": "tool_use"}, 5,
     {"type": "text", "text": 5}, {"type": ["text"], "text": "x"}],
)  # fmt: skip
def test_a_part_that_is_no_text_leaves_the_request_without_an_answer(part):
    outcome = answer_of(REQUEST, chat([TEXT, part]).value)
    assert isinstance(outcome, Unanswered)
    assert (outcome.reason, outcome.retryable) == ("a part of the content is no text", False)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "2 + 3"},
        {"reasoning": "2 + 3"},
        {"thinking": "2 + 3"},
        {"reasoning_content": "2 + 3", "reasoning": "2 + 3"},
        {"reasoning_content": "", "reasoning": "2 + 3"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "2 + 3"}]},
        {"reasoning": "2 + 3", "reasoning_details": [{"type": "reasoning.text", "text": "2 + 3"}]},
        {"reasoning_content": [{"type": "text", "text": "2 "}, {"type": "text", "text": "+ 3"}]},
    ],
)
def test_reasoning_in_a_field_of_its_own_is_kept_as_a_thought(message):
    assert text_of("5", **message) == "<think>2 + 3</think>\n5"
    assert text_of("", "stop", **message) == "<think>2 + 3</think>\n"
    for content in ("", None, "\n"):  # the budget ended inside the thought
        assert text_of(content, "length", **message) == "<think>2 + 3"


def test_an_answer_that_never_began_is_an_answer_also_where_the_thought_is_hidden():
    assert text_of(None, "length") == ""
    assert text_of("", "length") == ""


@pytest.mark.parametrize(
    "finish",
    ["error", "ERROR", "abort", "timeout", "insufficient_system_resource", "network_error"],
)
def test_a_reply_that_failed_is_no_answer_and_may_be_asked_again(finish):
    for content in ("", "It is", None):
        outcome = reason_of(chat(content, finish).value)
        assert outcome == (f"finish reason {finish.lower()}", True)


@pytest.mark.parametrize(
    "finish",
    ["content_filter", "CONTENT_FILTER", "SAFETY", "sensitive", "RECITATION", "blocklist"],
)
def test_a_filtered_reply_is_no_answer_and_is_not_asked_again(finish):
    for content in ("", "It is", None):
        outcome = reason_of(chat(content, finish).value)
        assert outcome == (f"filtered: finish reason {finish.lower()}", False)


ERROR = {"code": 502, "message": "Upstream error"}


@pytest.mark.parametrize(
    "reply",
    [
        {"error": ERROR},
        {"error": "Upstream error", "choices": None},
        {"error": ERROR, "choices": [{"message": {"content": "It is"}, "finish_reason": "stop"}]},
        {"choices": [{"error": ERROR, "message": {"content": ""}, "finish_reason": "error"}]},
        {"choices": [{"error": ERROR, "message": {"content": "It"}, "finish_reason": None}]},
        {"choices": [{"message": {"content": "", "error": ERROR}, "finish_reason": "stop"}]},
    ],
)
def test_an_error_inside_a_reply_is_reported_with_its_message(reply):
    outcome = answer_of(REQUEST, reply)
    assert isinstance(outcome, Unanswered)
    assert (outcome.reason, outcome.retryable) == ("the server sent an error", True)
    assert "Upstream error" in outcome.message


def test_a_field_error_that_is_null_is_none():
    reply = chat("5").value
    assert isinstance(answer_of(REQUEST, {**reply, "error": None}), Answer)
    reply["choices"][0]["error"] = None
    assert isinstance(answer_of(REQUEST, reply), Answer)


def test_an_empty_content_without_a_finish_reason_is_no_answer():
    reason = "the content is empty, without a finish reason"
    assert reason_of(chat("", None).value) == (reason, True)
    assert reason_of(chat("", "tool_calls").value) == (reason, True)
    assert reason_of(chat(None, None).value) == ("the content is null", False)
