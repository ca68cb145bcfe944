"""Asking a server: every outcome once, in any order; each failure is retried, counted or told."""

import time
from dataclasses import replace

import polars as pl
import pytest

from data.errors import UserError
from data.response_format import user_turn
from pipeline.config import EvalConfig
from pipeline.evaluate.answers import Answer, Unanswered
from pipeline.evaluate.served.client import MAX_FAILURES, check_reachable, complete
from pipeline.evaluate.served.replies import answer_of
from pipeline.evaluate.served.requests import Request, body_of, requests_of
from pipeline.evaluate.served.server import ServedConfig, Server, checked_url
from tests.support.served import Reply, answers, chat, said, serving

SOON = {"Retry-After-Ms": "5"}
QUESTIONS = pl.DataFrame({"problem_id": ["p0", "p1"], "question": ["1 + 1?", "2 + 2?"]})


def requests(n: int, samples: int = 1):
    problems = pl.DataFrame(
        {
            "problem_id": [f"p{k}" for k in range(n)],
            "question": [f"What is {k} + {k}?" for k in range(n)],
        }
    )
    config = EvalConfig(samples=samples, temperature=1.0 if samples > 1 else 0.0, max_tokens=99)
    return list(requests_of(problems, config))


def server(url: str, **knobs) -> Server:
    return Server(url, "m", "sk-secret", ServedConfig(**{"concurrency": 4, "retries": 1, **knobs}))


def outcomes(behaviour, n: int = 3, **knobs):
    with serving(behaviour) as running:
        return list(complete(requests(n), server(running.url, **knobs)))


def test_every_request_is_answered_once_and_never_more_than_allowed_at_once():
    slow = lambda body, tries: replace(answers(body, tries), delay=0.02)  # noqa: E731
    wanted = requests(10, samples=3)
    with serving(slow) as running:
        found = list(complete(iter(wanted), server(running.url)))
    assert {(o.request.problem_id, o.request.sample) for o in found} == {
        (one.problem_id, one.sample) for one in wanted
    }
    assert len(found) == 30
    for outcome in found:
        assert isinstance(outcome, Answer)
        assert isinstance(outcome.request, Request)
        assert outcome.text == said(body_of(outcome.request, "m", "max_tokens"))
        assert (outcome.tokens, outcome.finish) == (7, "stop")
    assert running.most == 4


def test_who_answers_first_comes_out_first():
    def first_is_slow(body, tries):
        return replace(answers(body, tries), delay=0.3 * ("0 + 0" in str(body["messages"])))

    ids = [outcome.request.problem_id for outcome in outcomes(first_is_slow, n=4)]
    assert ids[-1] == "p0"


def test_requests_are_read_as_they_are_sent():
    read = []

    def endless():
        for request in requests(1) * 1000:
            read.append(request)
            yield request

    with serving() as running:
        found = complete(endless(), server(running.url))
        for _ in range(5):
            next(found)
        found.close()
    assert len(read) < 100


def test_each_sample_of_each_problem_has_a_seed_of_its_own_that_stays():
    config = EvalConfig(samples=3, temperature=0.7, seed=5)
    seeds = [request.seed for request in requests_of(QUESTIONS, config)]
    assert len(set(seeds)) == 6
    assert seeds == [r.seed for r in requests_of(QUESTIONS, config)]
    assert not set(seeds) & {r.seed for r in requests_of(QUESTIONS, replace(config, seed=6))}
    assert {seed for seed in seeds if not 0 <= seed < 2**31} == set()


def test_a_request_says_what_was_set_and_nothing_that_changes_nothing():
    [first, *_] = requests_of(QUESTIONS, EvalConfig(max_tokens=50, seed=1))
    assert body_of(first, "m", "max_tokens") == {
        "model": "m",
        "messages": [{"role": "user", "content": user_turn("1 + 1?")}],
        "temperature": 0.0,
        "max_tokens": 50,
        "seed": first.seed,
    }
    config = EvalConfig(temperature=0.9, top_p=0.5, top_k=40, max_tokens=50)
    [first, *_] = requests_of(QUESTIONS, config)
    body = body_of(first, "m", "max_completion_tokens")
    assert (body["top_p"], body["top_k"], body["max_completion_tokens"]) == (0.5, 40, 50)
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    "failure",
    [
        Reply({"error": {"message": "slow down"}}, status=429, headers=SOON),
        Reply({"error": {"message": "oops"}}, status=500, headers=SOON),
        Reply(raw=b"overloaded", status=503, headers={**SOON, "Content-Type": "text/plain"}),
    ],
    ids=lambda reply: str(reply.status),
)
def test_what_may_pass_is_asked_again_with_the_same_seed(failure):
    def at_first(body, tries):
        return answers(body, tries) if tries else failure

    assert all(isinstance(outcome, Answer) for outcome in outcomes(at_first))


def test_a_retry_waits_as_long_as_the_server_says():
    def at_first(body, tries):
        return (
            answers(body, tries) if tries else Reply({}, status=429, headers={"Retry-After": "1"})
        )

    began = time.monotonic()
    [found] = outcomes(at_first, n=1)
    assert isinstance(found, Answer)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("failure", "reason", "said", "again"),
    [
        (Reply({"error": {"message": "slow"}}, 429, headers=SOON), "HTTP 429", "slow", True),
        (Reply({"error": {"message": "oops"}}, 500, headers=SOON), "HTTP 500", "oops", True),
        (Reply({"error": {"message": "too long"}}, 400), "HTTP 400", "too long", False),
        (Reply(raw=b'{"choices": ['), "the reply is not JSON", "", True),
        (Reply(raw=b"\xff\xfe"), "the reply is not JSON", "", True),
        (Reply(raw=b"<html>", headers={"Content-Type": "text/html"}), "the reply is not JSON",
         "<html>", True),
        (Reply({"choices": []}), "the reply has no choices", "choices", True),
        (Reply({"choices": [{}]}), "the reply has no choices", "choices", True),
        (Reply(None), "the reply has no choices", "null", True),
        (chat(None), "the content is null", "stop", False),
        (chat(None, reasoning_content="hm"), "the content is null, the reasoning stands apart",
         "hm", False),
        (chat([{"type": "text"}]), "the content is no text", "text", False),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_what_stays_without_an_answer_is_left_out_with_its_reason(failure, reason, said, again):
    found = outcomes(lambda body, tries: failure if "1 + 1" in str(body) else answers(body, tries))
    [out] = [outcome for outcome in found if isinstance(outcome, Unanswered)]
    assert (out.request.problem_id, out.reason, out.retryable) == ("p1", reason, again)
    assert said in out.message
    assert len(found) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cut": True}, "the connection was cut"),
        ({"status": 0}, "the connection was cut"),
        ({"delay": 0.6}, "no answer within 0.2 s"),
    ],
)
def test_a_cut_connection_and_a_silent_server_are_told_apart(change, reason):
    broken = lambda body, tries: replace(answers(body, tries), **change)  # noqa: E731
    [out] = outcomes(broken, n=1, retries=0, timeout=0.2)
    assert isinstance(out, Unanswered)
    assert (out.reason, out.retryable) == (reason, True)


def test_what_is_no_http_is_left_out():
    broken = Reply({}, headers={"Content-Length": "3"})  # and another length after it
    [out] = outcomes(lambda body, tries: broken, n=1)
    assert isinstance(out, Unanswered)
    assert (out.reason, out.retryable) == ("the reply is not HTTP", True)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ["refused the key", "HTTP 401", "--api-key-env"]),
        (403, ["refused the key", "HTTP 403", "--api-key-env"]),
        (404, ["does not serve a model 'm'", "HTTP 404", "/v1"]),
    ],
)
def test_what_no_request_will_survive_ends_it_after_what_has_finished(status, words):
    def later(body, tries):
        if "5 + 5" in str(body):
            told = f"no, not with sk-secret or {status}"
            return Reply({"error": {"message": told}}, status=status)
        return answers(body, tries)

    found = []
    with serving(later) as running, pytest.raises(UserError) as told:
        found.extend(complete(requests(40), server(running.url, concurrency=1)))
    assert [outcome.request.problem_id for outcome in found] == [f"p{n}" for n in range(5)]
    assert [word for word in words if word not in str(told.value)] == []
    assert "sk-secret" not in str(told.value)


def test_a_wrong_path_says_what_a_base_url_looks_like():
    with serving() as running, pytest.raises(UserError, match="/v1 and a model"):
        list(complete(requests(1), server(running.url.removesuffix("/v1"))))


def test_where_nothing_listens_it_says_so():
    with serving() as running:
        pass
    for ask in (check_reachable, lambda gone: list(complete(requests(2), gone))):
        with pytest.raises(UserError, match=r"cannot be reached: .*[Cc]onnect.* Start the server"):
            ask(server(running.url, retries=0))


def test_a_server_that_is_there_is_reached_whatever_it_thinks_of_us():
    with serving() as running:
        check_reachable(server(running.url))
        check_reachable(server(f"{running.url}/nowhere"))


def test_many_failures_in_a_row_end_it():
    told = pytest.raises(UserError, match=f"^{MAX_FAILURES} requests .* HTTP 400")
    with serving(lambda body, tries: Reply({"error": "no"}, 400)) as running, told:
        list(complete(requests(100), server(running.url)))
    assert len(running.bodies) < MAX_FAILURES + 10


def test_one_problem_that_is_refused_again_and_again_does_not_end_it():
    samples = [replace(next(iter(requests(1))), sample=n) for n in range(2 * MAX_FAILURES)]
    others = list(requests(4))[1:]
    refused = "What is 0 + 0?"

    def answered(body, tries):
        return Reply({"error": "no"}, 400) if refused in str(body) else answers(body, tries)

    with serving(answered) as running:
        found = list(complete([*samples, *others], server(running.url)))
    assert sum(isinstance(one, Answer) for one in found) == len(others)
    assert len(found) == len(samples) + len(others)


def test_a_bug_in_what_makes_requests_is_raised_where_the_answers_are_read():
    def broken():
        yield from requests(2)
        raise ZeroDivisionError

    with serving() as running, pytest.raises(ZeroDivisionError):
        list(complete(broken(), server(running.url)))


def test_when_told_to_stop_it_leaves_what_is_under_way_and_gives_what_has_finished():
    def slow_after_three(body, tries):
        slow = not any(f"is {n} +" in str(body) for n in range(3))
        return replace(answers(body, tries), delay=3.0 * slow)

    found = []
    with serving(slow_after_three) as running:
        began = time.monotonic()
        for outcome in complete(requests(9), server(running.url), lambda: len(found) >= 3):
            found.append(outcome.request.problem_id)
        took = time.monotonic() - began
    assert sorted(found) == ["p0", "p1", "p2"]
    assert took < 2


def test_the_key_is_sent_only_where_it_belongs(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-elsewhere")
    with serving() as running:
        list(complete(requests(1), server(running.url)))
        list(complete(requests(1), replace(server(running.url), key="")))
    assert [headers["authorization"] for headers in running.headers] == [
        "Bearer sk-secret",
        "Bearer none",
    ]
    assert "from-elsewhere" not in str(running.headers)
    assert "sk-secret" not in repr(server(running.url))


def test_huge_texts_come_whole():
    text = "é" * 3_000_000
    [found] = outcomes(lambda body, tries: chat(text), n=1)
    assert isinstance(found, Answer)
    assert found.text == text


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
def test_finish_and_tokens_are_as_the_server_says_or_unknown(finish, tokens, expected):
    found = answer_of(requests(1)[0], chat("x", finish, tokens).value)
    assert isinstance(found, Answer)
    assert (found.tokens, found.finish) == expected


def test_an_empty_text_is_an_answer_and_half_a_character_is_marked():
    texts = [answer_of(requests(1)[0], chat(content).value) for content in ("", "a\ud83d!")]
    assert [text.text for text in texts if isinstance(text, Answer)] == ["", "a\ufffd!"]


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw-secret@host/v1",
        "http://host/v1?api_key=pw-secret",
        "http://host/v1#pw-secret",
        "host:8000/v1",
        "ftp://host/v1",
        "http://",
        "http://[::1/v1",
        "http://host:port/v1",
        "http://host/v1/chat/completions",
    ],
)
def test_what_is_no_base_url_is_refused_without_repeating_a_secret(url):
    with pytest.raises(UserError, match="expected the base URL") as told:
        checked_url(url)
    assert "pw-secret" not in str(told.value)


def test_a_base_url_loses_only_its_last_slash():
    assert checked_url("https://host:8000/v1/") == "https://host:8000/v1"
