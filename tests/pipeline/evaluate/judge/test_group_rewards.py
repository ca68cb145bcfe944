"""A judge as a reward: from verdicts and rankings to numbers, and what is done without them."""

import math
import re
from typing import Any

import pytest

from data.errors import UserError
from data.store.store import add, ask
from evals.judge.stored import add_rubric
from pipeline.config import BadConfig, GrpoConfig
from pipeline.evaluate.judge.group_rewards import GroupTexts, judge_of_groups
from tests.support.judge import block_in, judging, mark_in, prompt_in, rubric, seven_is_correct
from tests.support.served import Reply, chat, serving
from tests.support.store_rows import problems as problem_rows

GROUPS = [GroupTexts("p", "7", ["It is 7", "It is 8", "7!"]), GroupTexts("q", "7", ["9", "8", "9"])]


@pytest.fixture
def rewards(store):
    """The rewards of groups by a judge behind a server: function(server, groups, fields)."""
    add(store, "problems", problem_rows("p", "q"), run="convert")

    def rewards(server, groups=GROUPS, **fields):
        add_rubric(store, rubric(server.url, **fields), "ann")
        return judge_of_groups(store, "judge:check").rewards(groups)

    return rewards


def test_verdicts_and_points_are_rewards_from_0_to_1_and_alike_texts_are_asked_about_once(rewards):
    with serving(judging(seven_is_correct)) as server:
        assert rewards(server) == [[1, 0, 1], [0, 0, 0]]
        assert len(server.bodies) == 5
        assert "question p" in prompt_in(server.bodies[0])
        assert rewards(server) == [[1, 0, 1], [0, 0, 0]]
        assert len(server.bodies) == 5
    with serving(judging(lambda text: "5" if "7" in text else "2")) as server:
        assert rewards(server, scale=5, threshold=4)[0] == [1, 0.25, 1]


def by_length(body, tries):
    """Ranks the shortest first; those of one length are equal."""
    texts = {n: block_in(body, f"completion {n}") for n in range(1, 4)}
    tiers: dict[int, list[str]] = {}
    for number, text in texts.items():
        tiers.setdefault(len(text), []).append(str(number))
    ranking = ", ".join(" = ".join(tiers[length]) for length in sorted(tiers))
    return chat(f"RANKING {mark_in(body)}: {ranking}")


def test_a_group_is_ranked_by_one_request(rewards):
    with serving(by_length) as server:
        assert rewards(server, scale="rank") == [[0.25, 0.25, 1], [0.5, 0.5, 0.5]]
        assert len(server.bodies) == 2


def test_an_unknown_verdict_leaves_the_part_out_for_the_whole_group(rewards):
    def mute_on_eight(body, tries):
        if block_in(body) == "It is 8":
            return chat("who knows")
        return judging(seven_is_correct)(body, tries)

    with serving(mute_on_eight) as server:
        first, second = rewards(server)
    assert all(map(math.isnan, first))
    assert second == [0, 0, 0]
    with serving(lambda body, tries: chat("2, 1")) as server:
        assert all(map(math.isnan, rewards(server, scale="rank")[0]))
    with serving(judging(seven_is_correct)) as server:
        assert all(map(math.isnan, rewards(server, longest=5)[0]))


def test_a_server_that_fails_stops_training_and_what_it_answered_is_kept(rewards, store):
    def one_fails(body, tries):
        busy = Reply({"error": {"message": "busy"}}, 500)
        return busy if block_in(body) == "7!" else judging(seven_is_correct)(body, tries)

    with serving(one_fails) as server:
        with pytest.raises(UserError, match="no reply to 1 of 5 requests about rewards: 1 x HTTP"):
            rewards(server)
        assert ask(store, "select count(*) as n from judge_replies")["n"].item() == 4
        server.behaviour = judging(seven_is_correct)
        sent = len(server.bodies)
        assert rewards(server)[0] == [1, 0, 1]
        assert len(server.bodies) == sent + 1
    with (
        serving(lambda body, tries: Reply({"error": "too long"}, 400)) as server,
        pytest.raises(UserError, match=re.escape("refuses all 5 requests about rewards: HTTP 400")),
    ):
        rewards(server, temperature=1)


def test_a_judge_and_its_weight_go_together():
    alone: list[dict[str, Any]] = [{"judge": "judge:check"}, {"reward_judge": 1.0}]
    for knobs in alone:
        with pytest.raises(BadConfig, match="judge and reward_judge go together"):
            GrpoConfig(**knobs)
    with pytest.raises(BadConfig, match="larger than all other rewards together"):
        GrpoConfig(judge="judge:check", reward_judge=2.0)
