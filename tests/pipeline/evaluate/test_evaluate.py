"""An evaluation tells the engine how long the answers to its problems were before."""

import numpy as np
import polars as pl

from data.store import ask
from evals.scores import Problems
from pipeline.evaluate import Evaluation, store_evaluation
from pipeline.generate.requests import Completion, Sampling

LENGTHS = {"p0": 3, "p1": 9, "p2": 1}
PROBLEMS = pl.DataFrame(
    {"problem_id": list(LENGTHS), "prompt": list(LENGTHS), "gold": ["1", "2", "3"]}
)


def test_lengths_of_earlier_answers_are_expected_of_the_next(store):
    expected = []

    def generate(requests, should_stop=None):
        expected.append([request.expected_tokens for request in requests])
        for index, request in enumerate(requests):
            ids = np.zeros(LENGTHS[request.prompt], np.int32)
            yield index, Completion("7", ids, "stop")

    for run in ("one", "two"):
        evaluation = Evaluation(store, run, "base", Problems(PROBLEMS, []))
        sampling, progress = Sampling(), lambda step, of, numbers: None
        store_evaluation(evaluation, generate, sampling, samples=1, seed=0, progress=progress)
    assert expected == [[0, 0, 0], [3, 9, 1]]
    answers = ask(store, "select run, problem_id, tokens from generations order by all").rows()
    assert answers == [(run, *of) for run in ("one", "two") for of in LENGTHS.items()]
