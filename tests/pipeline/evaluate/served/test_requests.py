"""Requests to a server: their seeds, and the body of the POST."""

from dataclasses import replace

import polars as pl

from data.response_format import user_turn
from pipeline.config import EvalConfig
from pipeline.evaluate.served.requests import body_of, requests_of

QUESTIONS = pl.DataFrame({"problem_id": ["p0", "p1"], "question": ["1 + 1?", "2 + 2?"]})


def test_each_sample_of_each_problem_always_has_the_same_seed_of_its_own():
    config = EvalConfig(samples=3, temperature=0.7, seed=5)
    seeds = [request.seed for request in requests_of(QUESTIONS, config)]
    assert len(set(seeds)) == 6
    assert seeds == [r.seed for r in requests_of(QUESTIONS, config)]
    assert not set(seeds) & {r.seed for r in requests_of(QUESTIONS, replace(config, seed=6))}
    assert {seed for seed in seeds if seed is None or not 0 <= seed < 2**31} == set()


def test_a_request_omits_settings_that_change_nothing():
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
