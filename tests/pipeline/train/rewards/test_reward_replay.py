"""Replay of stored rollouts with other rewards: what changes, hostile files, a real run."""

import json
import math

import numpy as np
import polars as pl
import pytest
from tunix.rl import algo_core, function_registry

from data.errors import UserError
from data.store import runs
from data.store.store import add, ask, open_store
from evals.rollouts.advantages import SCALE_OF, group_advantages, has_signal, signs
from evals.rollouts.reward_replay import with_advantages
from pipeline.config import VARIANTS, GrpoConfig
from pipeline.train.rewards.parts import rewards_of
from pipeline.train.rewards.reward_file import BadRewards
from pipeline.train.rewards.reward_replay import own_rewards, replay
from tests.support.rollout_rows import GOLDS, GROUPS, UNDECIDED, rolled, text

LENGTH = """
def short(text, gold, score):
    return -len(text)

REWARDS = {"short": (1.0, short)}
"""


@pytest.mark.parametrize("group", [2, 3, 4, 8, 9, 16, 33])
def test_advantages_are_those_of_the_trainer_to_the_last_bit(group):
    rng = np.random.default_rng(group)
    weights = rng.random(4)
    rewards = rng.integers(0, 2, (50 * group, 4)) @ weights
    theirs = algo_core.compute_advantages(rewards, group)
    assert np.array_equal(group_advantages(rewards.reshape(-1, group)).ravel(), theirs)
    one_by_one = [algo_core.compute_advantages(r, group) for r in rewards.reshape(-1, group)]
    assert np.array_equal(group_advantages(rewards.reshape(-1, group)), one_by_one)


@pytest.mark.parametrize(
    ("variant", "estimator"),
    [("grpo", "grpo"), ("dapo", "grpo"), ("gspo", "grpo"), ("cispo", "grpo"),
     ("dr-grpo", "drgrpo"), ("rloo", "rloo")],
)  # fmt: skip
def test_advantages_of_each_variant_are_those_of_tunix(variant, estimator):
    rewards = np.random.default_rng(1).integers(0, 5, (50, 8)) @ np.eye(8)
    theirs = function_registry.get_advantage_estimator(estimator)(rewards.ravel(), 8)
    assert np.array_equal(group_advantages(rewards, variant).ravel(), np.asarray(theirs))


def test_every_variant_has_a_scale():
    assert set(SCALE_OF) == set(VARIANTS)


def test_the_scale_is_of_the_group_of_the_batch_or_none_whatever_the_variant():
    rewards = np.array([[0.0, 1.0], [4.0, 0.0]])
    above = np.array([[-0.5, 0.5], [2.0, -2.0]])
    assert np.array_equal(group_advantages(rewards, "grpo", "none"), above)
    of_batch = np.std([0.0, 1.0, 4.0, 0.0], ddof=1)
    assert group_advantages(rewards, "dr-grpo", "batch") == pytest.approx(
        above / of_batch, rel=1e-5
    )
    of_groups = np.std(rewards, axis=1, ddof=1)[:, None]
    assert group_advantages(rewards, "dr-grpo", "group") == pytest.approx(
        above / of_groups, rel=1e-5
    )
    with pytest.raises(ValueError, match="the scale is 'all'; expected variant, group, batch"):
        group_advantages(rewards, "grpo", "all")


@pytest.mark.parametrize("gone", [(), ("r",)])
def test_a_run_scaled_by_its_batches_is_replayed_by_each_steps_own_deviation(run, gone):
    rows = ask(run, 'select * from rollouts order by step, "group", sample')
    steps = [group_advantages(np.array(of_step["reward"]).reshape(-1, 4), "grpo", "batch").ravel()
             for of_step in rows.partition_by("step")]  # fmt: skip
    stored = rows.with_columns(pl.Series("advantage", np.concatenate(steps)), run=pl.lit("grpo-2"))
    add(run, "rollouts", stored, run="grpo-2")
    runs.begin(run, "grpo", run="grpo-2", stage="grpo", config={"scale": "batch"}, seed=0,
               inputs={}, parent=None)  # fmt: skip
    other = open_store(run.folder.parent / "other")  # that has lost a problem of the second step
    for table in ("rollouts", "problems"):
        moved = ask(run, f"select * exclude (run) from {table}" if table == "problems" else
                    "select * from rollouts where run = 'grpo-2'")  # fmt: skip
        if table == "problems":
            moved = moved.filter(~pl.col("problem_id").is_in(list(gone)))
        add(other, table, moved, run="grpo-2")
    runs.begin(other, "grpo", run="grpo-2", stage="grpo", config={"scale": "batch"}, seed=0,
               inputs={}, parent=None)  # fmt: skip
    result = replay(other, "grpo-2")
    assert (result["scale"], result["without_gold"]) == ("batch", 4 * len(gone))
    assert result["reproduced"] == result["rollouts"] == 16 - 4 * len(gone)


@pytest.mark.parametrize("variant", ["dr-grpo", "rloo"])
def test_a_run_of_another_variant_is_replayed_by_its_own_advantages(run, variant):
    rewards = np.array(
        ask(run, 'select reward from rollouts order by step, "group", sample')["reward"]
    ).reshape(-1, 4)
    stored = ask(run, 'select * from rollouts order by step, "group", sample').with_columns(
        pl.Series("advantage", group_advantages(rewards, variant).ravel()), run=pl.lit("grpo-2")
    )
    add(run, "rollouts", stored, run="grpo-2")
    runs.begin(run, "grpo", run="grpo-2", stage="grpo", config={"variant": variant}, seed=0,
               inputs={}, parent=None)  # fmt: skip
    result = replay(run, "grpo-2")
    assert (result["variant"], result["reproduced"]) == (variant, result["rollouts"])
    assert replay(run, "grpo-1")["variant"] == "grpo"


def test_a_group_of_one_has_no_advantage():
    with pytest.raises(ValueError, match="group of 2 or more, got 1"):
        group_advantages(np.ones((3, 1)))


def test_rounding_errors_are_no_signal_and_no_sign():
    nearly = np.array([[0.1 + 0.2, 0.3, 0.3], [0.0, 1.0, 0.5]])
    assert has_signal(nearly).tolist() == [False, True]
    assert signs(nearly).tolist() == [[0, 0, 0], [-1, 1, 0]]


def test_the_runs_own_rewards_change_nothing(run):
    result = replay(run, "grpo-1")
    assert result["reproduced"] == result["rollouts"] == 16
    assert result["reward"]["changed"] == result["advantage"]["changed"] == 0
    assert result["reward"]["before"] == result["reward"]["after"]
    assert result["advantage"]["mean_absolute_change"] == 0
    assert result["sign_flips"]["rollouts"] == 0
    assert result["groups"] == {
        "n": 4, "with_signal_before": 2, "with_signal_after": 2, "gained": 0, "lost": 0,
    }  # fmt: skip
    assert all(part["before"] == part["after"] for part in result["parts"])


def test_the_own_rewards_of_a_run_have_the_weights_it_was_trained_with(run):
    assert own_rewards(run, "grpo-1") == rewards_of(GrpoConfig())


def test_the_parts_are_those_of_both_rewards(run, file):
    result = replay(run, "grpo-1", file(LENGTH + "REWARDS['answer'] = (2, lambda t, g, s: 1)"))
    parts = {part["name"]: (part["before"], part["after"]) for part in result["parts"]}
    assert list(parts) == ["exact_format", "approximate_format", "answer", "closeness", "short"]
    assert parts["exact_format"] == ({"weight": 0.5, "mean": 15 / 16, "n": 16}, None)
    assert parts["answer"] == (
        {"weight": 3.0, "mean": 7 / 16, "n": 16},
        {"weight": 2.0, "mean": 1.0, "n": 16},
    )
    assert parts["short"][0] is None


def test_signs_flip_where_the_other_reward_pays_what_the_first_one_punished(run, file):
    flipped = []
    worse = "REWARDS = {'worse': (1, lambda text, gold, score: not score.correct)}"
    result = replay(run, "grpo-1", file(worse), flipped.append)
    # of group (2, 0) the one that was right, and the three that were not: all as in group (1, 0)
    assert result["sign_flips"]["rollouts"] == len(flipped) == 8
    assert result["sign_flips"]["n"] == 3  # problems: of p all, of q and r none
    assert result["sign_flips"]["value"] == pytest.approx(1 / 3)
    assert result["groups"]["gained"] == result["groups"]["lost"] == 0
    assert [step["flips"] for step in result["steps"]] == [4, 4]
    first = flipped[0]
    assert {name: first[name] for name in ("step", "group", "sample", "problem_id", "gold")} == {
        "step": 1, "group": 0, "sample": 0, "problem_id": "p", "gold": "7",
    }  # fmt: skip
    assert first["text"] == text("7")
    assert first["before"]["parts"] == {
        "exact_format": 1.0, "approximate_format": 1.0, "answer": 1.0, "closeness": 1.0,
    }  # fmt: skip
    assert first["after"]["parts"] == {"worse": 0.0}
    assert first["before"]["advantage"] > 0 > first["after"]["advantage"]


def test_groups_gain_and_lose_signal(run, file):
    longer = 'REWARDS = {"odd": (1, lambda text, gold, score: "no tags" in text)}'
    result = replay(run, "grpo-1", file(longer))
    assert result["groups"] == {
        "n": 4, "with_signal_before": 2, "with_signal_after": 1, "gained": 0, "lost": 1,
    }  # fmt: skip
    counter = "seen = []\ndef f(t, g, s):\n    seen.append(t)\n    return len(seen)\n"
    gained = replay(run, "grpo-1", file(counter + 'REWARDS = {"f": (1, f)}'))
    assert (gained["groups"]["gained"], gained["groups"]["lost"]) == (2, 0)
    assert [(step["gained"], step["lost"]) for step in gained["steps"]] == [(1, 0), (1, 0)]


def test_weights_that_only_scale_change_rewards_and_no_sign(run, file):
    twice = """
from pipeline.train.rewards import answer, approximate_format, closeness, exact_format

REWARDS = {
    "exact_format": (1.0, exact_format),
    "approximate_format": (0.5, approximate_format),
    "answer": (6.0, answer),
    "closeness": (1.0, closeness),
}
"""
    result = replay(run, "grpo-1", file(twice))
    assert result["reward"]["after"] == pytest.approx(2 * result["reward"]["before"])
    assert result["sign_flips"]["rollouts"] == 0
    assert result["advantage"]["mean_absolute_change"] < 1e-5


def test_groups_of_different_sizes_are_each_taken_whole(store):
    groups = [(1, 0, "p", ["7", "1"]), (1, 1, "q", ["7", "1", "1"]), (2, 0, "p", ["1", "7"])]
    rolled(store, "grpo-1", groups, GOLDS)
    assert replay(store, "grpo-1")["reproduced"] == 7


def test_pages_of_whole_steps_say_the_same_as_one_page(run, file, monkeypatch):
    whole = replay(run, "grpo-1", file(LENGTH))
    monkeypatch.setattr("evals.rollouts.read.GENERATIONS_PER_BATCH", 1)
    done = []
    paged = replay(run, "grpo-1", file(LENGTH), progress=lambda *call: done.append(call[:2]))
    assert paged == whole
    assert done == [(8, 16), (16, 16)]


def test_a_problem_that_the_store_has_lost_is_left_out_and_counted(store):
    rolled(store, "grpo-1", GROUPS, {"p": "7"})
    result = replay(store, "grpo-1")
    assert (result["rollouts"], result["without_gold"]) == (8, 8)


def test_a_run_without_any_gold_is_refused(store):
    rolled(store, "grpo-1", GROUPS, {})
    with pytest.raises(UserError, match="no reference answer for any problem"):
        replay(store, "grpo-1")


def test_undecided_scores_are_left_out_of_sums_as_in_training(store):
    rolled(store, "grpo-1", [(1, 0, "p", [UNDECIDED] * 2)], GOLDS)
    result = replay(store, "grpo-1")
    assert (result["unknown"], result["reproduced"], result["reward"]["changed"]) == (2, 2, 0)
    answer = next(part for part in result["parts"] if part["name"] == "answer")
    assert answer["after"] == answer["before"] == {"weight": 3.0, "mean": None, "n": 0}


def test_a_run_with_rewards_of_another_code_asks_for_a_file(store):
    rolled(store, "grpo-1", GROUPS, GOLDS)
    rows = ask(store, "select * exclude (run, rewards) from rollouts").to_dicts()
    style = {"name": "style", "value": 1.0, "weight": 1.0}
    add(store, "rollouts", pl.DataFrame([row | {"rewards": [style]} for row in rows]), run="old")
    with pytest.raises(BadRewards, match=r"rewarded for style; this code has exact_.*--rewards"):
        replay(store, "old")
    add(store, "rollouts", pl.DataFrame([row | {"rewards": []} for row in rows]), run="old")
    with pytest.raises(UserError, match="do not all have the same rewards"):
        replay(store, "old")


def test_the_command_says_that_the_file_ran_and_writes_what_flips(run, say, file, tmp_path):
    path = file("REWARDS = {'worse': (1, lambda text, gold, score: not score.correct)}")
    flips = tmp_path / "flips.jsonl"
    command = ("rewards", "replay", "--run", "grpo-1", "--rewards", path, "--flips", flips)
    code, out, _ = say(*command)
    assert code == 0
    assert f"{path} ran in this process, with all your permissions" in " ".join(out.split())
    assert len(flips.read_text().splitlines()) == 8
    code, _, err = say(*command)
    assert (code, "exists already" in err) == (2, True)


def test_the_command_prints_one_object_also_when_the_file_prints(run, say, file):
    path = file("print('hello')\n" + LENGTH)
    code, out, _ = say("rewards", "replay", "--run", "grpo-1", "--rewards", path, "--json")
    value = json.loads(out)
    assert (code, len(value["sha256"]), value["flips"]) == (0, 64, None)
    assert value["rollouts"] == 16


def test_many_steps_share_the_rows_of_the_table(store, say):
    groups = [(step, 0, "p", ["7", "1"]) for step in range(1, 31)]
    rolled(store, "grpo-1", groups, {"p": "7"})
    code, out, _ = say("rewards", "replay", "--run", "grpo-1")
    assert (code, "1 to 3" in out, "28 to 30" in out) == (0, True, True)


def test_the_store_may_be_named_before_and_after_each_word(run, say, tmp_path, monkeypatch):
    monkeypatch.delenv("THINKBENCH_STORE")
    option = ("--store", tmp_path / "store")
    words = ("rewards", "replay", "--run", "grpo-1", "--json")
    for at in (0, 1, 2):
        code, out, _ = say(*words[:at], *option, *words[at:])
        assert (code, json.loads(out)["rollouts"]) == (0, 16)


def test_stored_rewards_of_a_real_run_give_its_stored_advantages_to_the_last_bit(trained):
    rows = ask(trained["store"], 'select * from rollouts order by step, "group", sample')
    both = with_advantages(rows.select("step", "group", before="reward", after="reward"))
    assert both["advantage_before"].equals(rows["advantage"].rename("advantage_before"))
    assert any(not math.isclose(value, 0) for value in rows["advantage"])


def test_the_own_rewards_of_a_real_run_change_nothing(trained):
    result = replay(trained["store"], "grpo-test")
    assert result["rollouts"] == result["reproduced"] == 24
    assert (result["without_gold"], result["reward"]["changed"]) == (0, 0)
    assert result["reward"]["before"] == result["reward"]["after"]
    assert result["sign_flips"]["rollouts"] == result["advantage"]["changed"] == 0
