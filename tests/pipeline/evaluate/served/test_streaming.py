"""Answers of a server as they are written: the text grows, then there is one outcome."""

import pytest

from data.errors import UserError
from pipeline.evaluate.answers import Answer, Unanswered
from pipeline.evaluate.served.requests import Request
from pipeline.evaluate.served.server import ServedConfig, Server
from pipeline.evaluate.served.streaming import stream
from tests.support.served import Reply, answers, chat, serving, streamed

TEXT = "first then next"
REQUEST = Request("p", 0, [{"role": "user", "content": "What is 2 + 3?"}], 0.0, 1.0, 0, 99, 5)


def parts_of(behaviour, request: Request = REQUEST):
    with serving(behaviour) as running:
        server = Server(running.url, "m", "sk-secret", ServedConfig(retries=0))
        return list(stream(request, server)), running.bodies


def test_the_text_grows_word_by_word_and_ends_with_the_answer():
    parts, [body] = parts_of(lambda body, tries: streamed(TEXT))
    assert parts == [
        "first ",
        "first then ",
        "first then next ",
        Answer(REQUEST, "first then next ", 7, "stop"),
    ]
    assert body["stream"] is True
    assert (body["model"], body["max_tokens"], body["seed"]) == ("m", 99, 5)


def test_reasoning_comes_before_the_content_as_an_evaluation_stores_it():
    words = [{"reasoning_content": "2 + 3"}, {"reasoning_content": " = 5"}, {"content": "5"}]
    lines = "".join(f'data: {{"choices": [{{"delta": {word}}}]}}\n' for word in words)
    raw = f"{lines}data: [DONE]\n".replace("'", '"').encode()
    headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    parts, _ = parts_of(lambda body, tries: Reply(raw=raw, headers=headers))
    assert parts[:2] == ["<think>2 + 3", "<think>2 + 3 = 5"]
    assert isinstance(parts[-1], Answer)
    assert parts[-1].text == "<think>2 + 3 = 5</think>\n5"
    assert (parts[-1].finish, parts[-1].tokens) == (None, None)


def test_a_server_that_does_not_stream_gives_its_answer_at_once():
    parts, _ = parts_of(lambda body, tries: chat("5"))
    assert parts == [Answer(REQUEST, "5", 7, "stop")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (streamed(TEXT, cut=True), "the connection was cut"),
        (streamed(TEXT, raw=b"data: {oh\n\n"), "the reply is not JSON"),
        (streamed(TEXT, finish="content_filter"), "filtered: finish reason content_filter"),
        (streamed(TEXT, raw=b'data: {"error": {"message": "gone"}}\n\n'),
         "the server sent an error"),
        (Reply({"error": {"message": "too much"}}, status=500), "HTTP 500"),
    ],
)  # fmt: skip
def test_a_stream_that_fails_ends_without_an_answer(reply, reason):
    parts, _ = parts_of(lambda body, tries: reply)
    assert isinstance(parts[-1], Unanswered)
    assert parts[-1].reason == reason


def test_a_server_that_refuses_the_seed_is_asked_without_one():
    def refusing(body, tries):
        if "seed" in body:
            return Reply({"error": {"message": "unknown field: seed"}}, status=400)
        return answers(body, tries)

    parts, bodies = parts_of(refusing)
    assert [body.get("seed") for body in bodies] == [5, None]
    assert isinstance(parts[-1], Answer)
    assert parts[-1].request.seed is None


def test_a_model_that_is_not_served_is_an_error_that_says_so():
    with pytest.raises(UserError, match="does not serve a model 'm'") as raised:
        parts_of(lambda body, tries: Reply({"error": {"message": "no"}}, status=404))
    assert "answers so far are stored" not in str(raised.value)
