"""Requests to a server: each has one outcome; failures are retried, recorded or end the run."""

import ssl
import sys
import time
from dataclasses import replace

import polars as pl
import pytest

from data.errors import UserError
from pipeline.config import EvalConfig
from pipeline.evaluate.answers import Answer, Unanswered
from pipeline.evaluate.served import client
from pipeline.evaluate.served.client import MAX_FAILURES, check_reachable, complete
from pipeline.evaluate.served.requests import Request, body_of, requests_of
from pipeline.evaluate.served.server import ServedConfig, Server
from tests.support.served import Reply, answer_to, answers, chat, serving

SOON = {"Retry-After-Ms": "5"}


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


def test_every_request_is_answered_once_and_concurrency_is_limited():
    slow = lambda body, tries: replace(answers(body, tries), delay=0.02)  # noqa: E731
    sent = requests(10, samples=3)
    with serving(slow) as running:
        results = list(complete(iter(sent), server(running.url)))
    assert {(o.request.problem_id, o.request.sample) for o in results} == {
        (request.problem_id, request.sample) for request in sent
    }
    assert len(results) == 30
    for outcome in results:
        assert isinstance(outcome, Answer)
        assert isinstance(outcome.request, Request)
        assert outcome.text == answer_to(body_of(outcome.request, "m", "max_tokens"))
        assert (outcome.tokens, outcome.finish) == (7, "stop")
    assert running.most == 4


def test_outcomes_come_in_the_order_in_which_they_finish():
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
        results = complete(endless(), server(running.url))
        for _ in range(5):
            next(results)
        results.close()
    assert len(read) < 100


@pytest.mark.parametrize(
    "failure",
    [
        Reply({"error": {"message": "slow down"}}, status=429, headers=SOON),
        Reply({"error": {"message": "oops"}}, status=500, headers=SOON),
        Reply(raw=b"overloaded", status=503, headers={**SOON, "Content-Type": "text/plain"}),
    ],
    ids=lambda reply: str(reply.status),
)
def test_a_temporary_failure_is_retried(failure):
    def at_first(body, tries):
        return answers(body, tries) if tries else failure

    assert all(isinstance(outcome, Answer) for outcome in outcomes(at_first))


def test_a_retry_waits_as_long_as_the_server_asks():
    def at_first(body, tries):
        return (
            answers(body, tries) if tries else Reply({}, status=429, headers={"Retry-After": "1"})
        )

    began = time.monotonic()
    [outcome] = outcomes(at_first, n=1)
    assert isinstance(outcome, Answer)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("failure", "reason", "message", "retryable"),
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
        (chat([{"type": "text"}]), "a part of the content is no text", "text", False),
        (chat("", "error"), "finish reason error", "error", True),
        (chat("It", "content_filter"), "filtered: finish reason content_filter", "It", False),
        (Reply({"error": {"message": "busy"}}), "the server sent an error", "busy", True),
        (Reply({"detail": [{"loc": ["body", "n"], "msg": "too long", "input": "secret"}]}, 422),
         "HTTP 422", "body.n: too long", False),
        (Reply({"message": "no such adapter"}, 400), "HTTP 400", "no such adapter", False),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_a_request_without_an_answer_is_recorded_with_its_reason(
    failure, reason, message, retryable
):
    results = outcomes(
        lambda body, tries: failure if "1 + 1" in str(body) else answers(body, tries)
    )
    [out] = [outcome for outcome in results if isinstance(outcome, Unanswered)]
    assert (out.request.problem_id, out.reason, out.retryable) == ("p1", reason, retryable)
    assert message in out.message
    assert len(results) == 3


def refusing(reply: Reply, field: str = "seed"):
    return lambda body, tries: reply if field in body else answers(body, tries)


@pytest.mark.parametrize(
    "refusal",
    [
        Reply({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                           "msg": "Extra inputs are not permitted"}]}, 422),
        Reply({"error": {"message": "Unrecognized request argument supplied: seed"}}, 400),
        Reply({"error": {"message": "Unsupported parameter", "param": "seed"}}, 400),
        Reply({"error": "property 'seed' is unsupported"}, 400),
        Reply({"message": "Invalid field: seed", "code": 3}, 400),
        Reply({"object": "error", "errors": [{"detail": "`seed` is not supported"}]}, 422),
        Reply(raw=b"seed: not implemented", status=501, headers={"Content-Type": "text/plain"}),
    ],
)  # fmt: skip
def test_a_server_that_refuses_seed_is_asked_without_one(refusal):
    sent = requests(5)
    with serving(refusing(refusal)) as running:
        results = list(complete(sent, server(running.url, concurrency=1)))
    assert [(type(one), one.request.seed) for one in results] == [(Answer, None)] * 5
    with_seed = 2 if refusal.status == 501 else 1  # a status from 500 is retried once
    assert ["seed" in body for body in running.bodies] == [*[True] * with_seed, *[False] * 5]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "prompt too long"}),
        (400, {"message": "the prompt speaks of sunflowerseed"}),
        (422, [{"loc": ["body", "messages"], "msg": "refused", "input": "Plant a seed"}]),
    ],
)
def test_another_refusal_keeps_its_seed(status, error):
    def refused(body, tries):
        return Reply({"detail": error}, status) if "1 + 1" in str(body) else answers(body, tries)

    with serving(refused) as running:
        results = list(complete(requests(3), server(running.url)))
    assert sum(isinstance(one, Answer) for one in results) == 2
    assert len(running.bodies) == 3
    assert all("seed" in body for body in running.bodies)


def test_a_refusal_that_stays_without_a_seed_is_not_blamed_on_the_seed():
    def refused(body, tries):
        error = Reply({"error": {"message": "seed and prompt are too long"}}, 400)
        return error if "1 + 1" in str(body) else answers(body, tries)

    with serving(refused) as running:
        results = list(complete(requests(4), server(running.url, concurrency=1)))
    [out] = [one for one in results if isinstance(one, Unanswered)]
    assert (out.request.problem_id, out.reason) == ("p1", "HTTP 400")
    assert ["seed" in body for body in running.bodies] == [True, True, False, True, True]


def test_the_key_is_not_in_a_message_inside_a_reply():
    [out] = outcomes(lambda body, tries: Reply({"error": "for sk-secret"}), n=1)
    assert isinstance(out, Unanswered)
    assert "sk-secret" not in out.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cut": True}, "the connection was cut"),
        ({"status": 0}, "the connection was cut"),
        ({"delay": 0.6}, "no answer within 0.2 s"),
    ],
)
def test_a_dropped_connection_and_a_timeout_have_different_reasons(change, reason):
    broken = lambda body, tries: replace(answers(body, tries), **change)  # noqa: E731
    [out] = outcomes(broken, n=1, retries=0, timeout=0.2)
    assert isinstance(out, Unanswered)
    assert (out.reason, out.retryable) == (reason, True)


def test_a_reply_that_is_not_http_is_recorded():
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
def test_an_error_of_every_request_ends_the_run_after_the_finished_answers(status, words):
    def later(body, tries):
        if "5 + 5" in str(body):
            message = f"no, not with sk-secret or {status}"
            return Reply({"error": {"message": message}}, status=status)
        return answers(body, tries)

    results = []
    with serving(later) as running, pytest.raises(UserError) as caught:
        results.extend(complete(requests(40), server(running.url, concurrency=1)))
    assert [outcome.request.problem_id for outcome in results] == [f"p{n}" for n in range(5)]
    assert [word for word in words if word not in str(caught.value)] == []
    assert "sk-secret" not in str(caught.value)


def test_the_error_for_a_wrong_path_shows_a_base_url():
    with serving() as running, pytest.raises(UserError, match="/v1 and a model"):
        list(complete(requests(1), server(running.url.removesuffix("/v1"))))


def test_the_error_says_that_no_server_listens():
    with serving() as running:
        pass
    for ask in (check_reachable, lambda gone: list(complete(requests(2), gone))):
        with pytest.raises(UserError, match=r"cannot be reached: .*[Cc]onnect.* Start the server"):
            ask(server(running.url, retries=0))


def test_a_server_is_reachable_whatever_it_answers():
    with serving() as running:
        check_reachable(server(running.url))
        check_reachable(server(f"{running.url}/nowhere"))


def test_the_certificates_of_this_machine_are_read_once(monkeypatch):
    reads = []
    load = ssl.SSLContext.load_default_certs
    monkeypatch.setattr(
        ssl.SSLContext, "load_default_certs", lambda *given: (reads.append(1), load(*given))
    )
    client.certificates.cache_clear()
    with serving() as running:
        for _ in range(3):
            check_reachable(server(running.url))
    assert len(reads) == (0 if sys.platform in ("darwin", "win32") else 1)


def test_many_failures_in_a_row_end_the_run():
    ends = pytest.raises(UserError, match=f"^{MAX_FAILURES} requests .* HTTP 400")
    with serving(lambda body, tries: Reply({"error": "no"}, 400)) as running, ends:
        list(complete(requests(100), server(running.url)))
    assert len(running.bodies) < MAX_FAILURES + 10


def test_refusals_of_one_problem_do_not_end_the_run():
    samples = [replace(next(iter(requests(1))), sample=n) for n in range(2 * MAX_FAILURES)]
    other_problems = list(requests(4))[1:]
    refused = "What is 0 + 0?"

    def answered(body, tries):
        return Reply({"error": "no"}, 400) if refused in str(body) else answers(body, tries)

    with serving(answered) as running:
        results = list(complete([*samples, *other_problems], server(running.url)))
    assert sum(isinstance(one, Answer) for one in results) == len(other_problems)
    assert len(results) == len(samples) + len(other_problems)


def test_an_error_in_the_iterator_of_requests_is_raised_where_outcomes_are_read():
    def broken():
        yield from requests(2)
        raise ZeroDivisionError

    with serving() as running, pytest.raises(ZeroDivisionError):
        list(complete(broken(), server(running.url)))


def test_a_stop_cancels_requests_in_flight_and_yields_those_that_finished():
    def slow_after_three(body, tries):
        slow = not any(f"is {n} +" in str(body) for n in range(3))
        return replace(answers(body, tries), delay=3.0 * slow)

    results = []
    with serving(slow_after_three) as running:
        for outcome in complete(requests(9), server(running.url), lambda: len(results) >= 3):
            results.append(outcome.request.problem_id)
    # whoever waited for the others would have had their answers too
    assert sorted(results) == ["p0", "p1", "p2"]


def test_only_the_servers_own_key_is_sent(monkeypatch):
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


def test_a_very_long_text_is_complete():
    text = "é" * 3_000_000
    [outcome] = outcomes(lambda body, tries: chat(text), n=1)
    assert isinstance(outcome, Answer)
    assert outcome.text == text
