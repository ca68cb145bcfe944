"""A run step by step, where some groups were sampled again: what counts the discarded tries."""

import pytest

from data.store.store import ask
from evals.rollouts import steps
from evals.rollouts.learnability import problems
from pipeline.train.rewards.reward_replay import replay
from tests.support.rollout_rows import rolled

RUN = "grpo-1"
GOLDS: dict[str, str] = dict.fromkeys(("p", "q", "r", "s"), "7")
TRAINED = [(1, 0, "p", ["7", "1"]), (1, 1, "r", ["7", "7"]), (2, 0, "p", ["7", "1"])]
DISCARDED = [(1, 1, "q", ["1", "1"])]  # r came in its place


@pytest.fixture
def resampled(store):
    rolled(store, RUN, TRAINED, GOLDS, DISCARDED)
    return store


def test_means_of_a_step_are_of_first_tries(resampled):
    first, second = steps.steps(resampled, RUN).to_dicts()
    assert (first["n"], first["discarded"]) == (4, 2)
    assert (second["n"], second["discarded"]) == (2, 0)
    assert first["zero_variance"] == 0.5
    query = "select avg(reward) from sampled_rollouts where step = 1 and attempt = 0"
    assert first["reward"] == pytest.approx(ask(resampled, query).item())
    [answer] = steps.reward_parts(resampled, RUN).filter(name="answer", step=1)["value"]
    assert answer == pytest.approx(3.0 / 4)  # one of four, times the weight


def test_groups_are_those_that_were_trained_on_and_tries_are_listed_apart(resampled):
    assert steps.groups(resampled, RUN, 1)["problem_id"].to_list() == ["p", "r"]
    [tried] = steps.discarded_tries(resampled, RUN, 1).to_dicts()
    assert (tried["group"], tried["problem_id"], tried["n"], tried["correct"]) == (1, "q", 2, 0)
    assert steps.discarded_tries(resampled, RUN, 2).is_empty()
    assert len(steps.completions(resampled, RUN, 1, 1)) == 2


def test_a_problem_whose_only_try_was_discarded_has_a_pass_rate(resampled):
    rates = problems(resampled, RUN).select("problem_id", "pass_rate", "rollouts")
    assert sorted(rates.rows()) == [("p", 0.5, 4), ("q", 0.0, 2), ("r", 1.0, 2)]
    again = problems(resampled, RUN, regrade=True).select("problem_id", "pass_rate", "rollouts")
    assert sorted(again.rows()) == sorted(rates.rows())
    [at] = steps.problem_history(resampled, RUN, "q").to_dicts()
    assert (at["right"], at["n"], at["discarded"]) == (0.0, 2, 2)


def test_a_replay_is_of_what_was_trained_on(resampled):
    shown: list[tuple[int, int]] = []
    result = replay(resampled, RUN, progress=lambda done, total, _: shown.append((done, total)))
    assert shown[-1] == (6, 6)
    assert (result["rollouts"], result["reproduced"]) == (6, 6)
