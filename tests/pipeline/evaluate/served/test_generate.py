"""A served model behind the interface of this project's own engine."""

import polars as pl
import pytest

from data.errors import UserError
from data.response_format import user_turn
from data.store.store import ask
from evals.scores.problems import Problems
from pipeline.evaluate.answers import Evaluation
from pipeline.evaluate.evaluate import store_evaluation
from pipeline.evaluate.served.generate import generator
from pipeline.evaluate.served.server import Server
from pipeline.generate.requests import Request, Sampling
from pipeline.model import TINY
from pipeline.model.tokenizer import Tokenizer, prompt_text
from tests.support.served import Reply, answer_to, serving

PROBLEMS = pl.DataFrame(
    {
        "problem_id": [f"p{n}" for n in range(5)],
        "prompt": [user_turn(f"What is {n} + {n}?") for n in range(5)],
        "gold": [str(2 * n) for n in range(5)],
    }
)


def test_an_evaluation_can_use_a_server_in_place_of_the_engine(store):
    with serving() as running:
        tally = store_evaluation(
            Evaluation(store, "r", "base", Problems(PROBLEMS, [])),
            generator(Server(running.url, "m")),
            Sampling(temperature=0.5),
            samples=2,
            seed=3,
            progress=lambda step, of, numbers: None,
        )
    rows = ask(store, "select problem_id, text, tokens, finish from generations order by all")
    prompts = dict(PROBLEMS.select("problem_id", "prompt").iter_rows())
    expected = [(body["prompt"], answer_to(body), 7, "stop") for body in running.bodies]
    assert sorted((prompts[row[0]], *row[1:]) for row in rows.iter_rows()) == sorted(expected)
    assert (tally.stored, len({body["seed"] for body in running.bodies})) == (10, 10)


def test_a_server_continues_the_same_text_as_the_engine():
    tokenizer = Tokenizer(TINY)
    prompt = prompt_text(tokenizer, "What is 2 + 2?")
    with serving() as running:
        [(position, completion)] = generator(Server(running.url, "m"))(
            [Request(prompt=prompt, sampling=Sampling(max_tokens=9), seed=4)]
        )
    [body] = running.bodies
    assert (body["prompt"], body["max_tokens"], body["seed"]) == (prompt, 9, 4)
    assert "messages" not in body  # a template around the template
    assert body["add_special_tokens"] is False
    assert (position, completion.text, completion.finish) == (0, answer_to(body), "stop")


def whole(text: str | None, finish: str | None = "stop", tokens: int | None = 7) -> Reply:
    usage = None if tokens is None else {"completion_tokens": tokens}
    return Reply({"choices": [{"text": text, "finish_reason": finish}], "usage": usage})


@pytest.mark.parametrize("reply", [whole(None), whole("x", tokens=None), whole("x", finish=None)])
def test_an_incomplete_answer_is_an_error(reply):
    with serving(lambda body, tries: reply) as running:
        generate = generator(Server(running.url, "m"))
        with pytest.raises(UserError, match="no complete answer to prompt 0"):
            list(generate([Request(prompt="a", sampling=Sampling())]))


@pytest.mark.parametrize(
    "request_",
    [
        Request(prompt="a", sampling=Sampling(min_p=0.1)),
        Request(prompt="a", sampling=Sampling(), logprobs=True),
    ],
)
def test_min_p_and_logprobs_are_refused(request_):
    with pytest.raises(UserError, match="min_p and logprobs are not supported"):
        list(generator(Server("http://127.0.0.1:9/v1", "m"))([request_]))
