"""A served model behind the function that this project's own generation stands behind."""

import polars as pl
import pytest

from data.format import user_turn
from data.store import ask
from pipeline.evaluate import store_evaluation
from pipeline.rollout import Sampling
from pipeline.served.client import Server
from pipeline.served.errors import ServerError
from pipeline.served.generate import generator
from tests.served import chat, said, serving

PROBLEMS = pl.DataFrame(
    {
        "problem_id": [f"p{n}" for n in range(5)],
        "prompt": [user_turn(f"What is {n} + {n}?") for n in range(5)],
        "gold": [str(2 * n) for n in range(5)],
    }
)


def test_the_projects_own_evaluation_can_ask_a_server(store):
    with serving() as running:
        count = store_evaluation(
            store, PROBLEMS, generator(Server(running.url, "m"), Sampling(temperature=0.5)),
            Sampling(temperature=0.5), run="r", stage="base", samples=2, seed=3,
            graders=("strict",), chunk=2, progress=lambda step, of, numbers: None,
        )  # fmt: skip
    rows = ask(store, "select problem_id, text, tokens, finish from generations order by all")
    prompts = dict(PROBLEMS.select("problem_id", "prompt").iter_rows())
    expected = [(body["messages"][0]["content"], said(body), 7, "stop") for body in running.bodies]
    assert sorted((prompts[row[0]], *row[1:]) for row in rows.iter_rows()) == sorted(expected)
    assert (count, len({body["seed"] for body in running.bodies})) == (10, 10)


@pytest.mark.parametrize("reply", [chat(None), chat("x", tokens=None), chat("x", finish=None)])
def test_a_completion_that_is_not_whole_is_no_completion(reply):
    with serving(lambda body, tries: reply) as running:
        generate = generator(Server(running.url, "m"), Sampling())
        with pytest.raises(ServerError, match="no whole completion of prompt 0"):
            generate(["a"], 0)
