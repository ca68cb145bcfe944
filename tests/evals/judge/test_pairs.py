"""Pairs of completions in both orders: who wins, what a preference for a position does to it."""

import json

import pytest

from data.store.store import ask
from evals.judge.pairs import winner_of
from tests.support.evaluation import evaluate
from tests.support.judge import block_in, mark_in, write_rubric
from tests.support.served import Reply, chat, serving


@pytest.mark.parametrize(
    ("forward", "backward", "winner"),
    [("a", "a", "a"), ("b", "b", "b"), ("a", "b", "tie"), ("tie", "a", "tie"),
     ("tie", "tie", "tie"), (None, "a", None), ("b", None, None)],
)  # fmt: skip
def test_a_completion_wins_only_in_both_orders(forward, backward, winner):
    assert winner_of(forward, backward) == winner


def sevens_are_better(body, tries):
    """Prefers a completion with a 7, and of two alike the first."""
    sevens = ["7" in block_in(body, f"completion {name}") for name in "AB"]
    verdict = "B" if sevens == [False, True] else "A"
    return chat(f"VERDICT {mark_in(body)}: {verdict}")


@pytest.fixture
def compare(say, store, tmp_path):
    evaluate(store, "old", "sft", ["7", "8", "8", "8"])
    evaluate(store, "new", "grpo", ["7", "7", "7", "8", "7"])

    def compare(url: str, *more: str, **fields):
        assert say("judge", "add", write_rubric(tmp_path, url, **fields))[0] == 0
        code, out, err = say("judge", "pairs", "check", "old", "new", "--json", *more)
        return code, json.loads(out) if out else None, err

    return compare


def test_a_preference_for_the_first_is_a_tie_and_a_win_rate_has_an_interval(compare, store):
    with serving(sevens_are_better) as server:
        code, value, err = compare(server.url)
        assert code == 0, err
        assert [value[name] for name in ("pairs", "wins_a", "wins_b", "ties", "unknown")] == [
            4, 0, 2, 2, 0,
        ]  # fmt: skip
        rate = value["win_rate"]
        assert rate["value"] == 0.75
        assert 0 < rate["low"] < 0.75 < rate["high"] < 1
        assert value["orders_agree"] == 0.5
        assert value["judge"]["validated"] is False
        sent = len(server.bodies)
        assert compare(server.url)[1]["asked"] == 0
        assert len(server.bodies) == sent
    columns = "problem_id, prefers_forward, prefers_backward, winner"
    rows = ask(store, f"select {columns} from judge_pairs order by problem_id").rows()
    assert rows == [
        ("p0", "a", "b", "tie"),
        ("p1", "b", "b", "b"),
        ("p2", "b", "b", "b"),
        ("p3", "a", "b", "tie"),
    ]


def test_what_fails_is_asked_again_and_what_is_unreadable_is_no_win(compare, store):
    def fails(body, tries):
        if "8" in block_in(body, "completion A"):
            return fault
        return sevens_are_better(body, tries)

    with serving(fails) as server:
        fault = Reply({"error": {"message": "busy"}}, 500)
        code, value, _ = compare(server.url)
        assert (code, value["pairs"], value["to_ask_again"]) == (75, 1, 2)
        fault = chat("B is better")
        code, value, _ = compare(server.url)
    assert (code, value["pairs"], value["unknown"]) == (0, 4, 3)
    assert (value["wins_b"], value["win_rate"]["value"]) == (0, 0.5)


def test_a_limit_and_a_table_and_runs_without_a_common_problem(compare, say, store):
    with serving(sevens_are_better) as server:
        code, value, _ = compare(server.url, "--limit", "2")
        assert (code, value["pairs"]) == (0, 2)
        code, out, _ = say("judge", "pairs", "check", "old", "new")
        assert (code, "win rate of b" in out, "not validated" in out) == (0, True, True)
        code, _, err = say("judge", "pairs", "check", "old", "nothing")
    assert (code, "no generations of 'nothing'" in err) == (2, True)
