"""Files of rewards: what they may define, and how one that fails is named."""

import pytest

from pipeline.train.rewards.reward_file import BadRewards, load
from pipeline.train.rewards.reward_replay import replay
from tests.support.rollout_rows import GOLDS, UNDECIDED, rolled


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n    pass", r"mine\.py, line 1: invalid syntax"),
        ("x = 1\n1 / 0", r"mine\.py, line 2: ZeroDivisionError: division by zero"),
        ("x = 1\n\nraise SystemExit(0)", r"mine\.py, line 3: SystemExit: 0"),
        ("import no_such_module", r"mine\.py, line 1: ModuleNotFoundError"),
        (b"\xff\xfe", r"mine\.py.*(codec|utf-8|encod)"),
        (b"x = 1\0", r"mine\.py.*null bytes"),
        ("", "defines no REWARDS; expected REWARDS = "),
        ("REWARDS = [1]", r"REWARDS = \[1\]; expected REWARDS = "),
        ("REWARDS = {}", "REWARDS = {}"),
        ("REWARDS = {1: (1, len)}", "names a reward 1; expected a text"),
        ("REWARDS = {' ': (1, len)}", "names a reward ' '"),
        ("REWARDS = {'a': len}", "expected .weight, function."),
        ("REWARDS = {'a': (1, 2, 3)}", r"reward 'a' is \(1, 2, 3\); expected"),
        ("REWARDS = {'a': ('x', lambda t, g, s: 1)}", "its weight is 'x', not a number"),
        ("REWARDS = {'a': (float('nan'), lambda t, g, s: 1)}", "its weight is nan"),
        ("REWARDS = {'a': (10**999, lambda t, g, s: 1)}", "its weight is 1000"),
        ("REWARDS = {'a': (1, 3)}", "3 cannot be called with .text, gold, score"),
        ("REWARDS = {'a': (1, lambda t, s: 1)}", "cannot be called with .text, gold, score"),
        ("class A:\n def __repr__(self): 1/0\nREWARDS = A()", "REWARDS = <A instance"),
    ],
)
def test_a_file_that_defines_no_rewards_says_where_and_what(file, source, words):
    with pytest.raises(BadRewards, match=words):
        load(file(source))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return float('nan')", "gave nan; expected a finite number, as the score is decided"),
        ("return float('inf')", "gave inf; expected a finite number"),
        ("return 10 ** 999", "gave 1000.*; expected a finite number"),
        ("return None", "gave None"),
        ("return '1'", "gave '1'"),
        ("return [1.0]", r"gave \[1.0\]"),
        ("return 1j", "gave 1j"),
        ("return {}['x']", r"failed at .*mine\.py, line 2: KeyError: 'x'"),
        ("return f(text, gold, score)", r"failed at .*mine\.py, line 2: RecursionError"),
        ("raise SystemExit(0)", r"failed at .*mine\.py, line 2: SystemExit: 0"),
        ("score.correct = True", r"failed at .*mine\.py, line 2: AttributeError"),
    ],
)
def test_a_reward_that_cannot_be_used_is_named_with_its_rollout(run, file, body, words):
    path = file(f"def f(text, gold, score):\n    {body}\nREWARDS = {{'mine': (1, f)}}")
    where = r".*step 1, group 0, sample 0, problem p, text '<reasoning>"
    with pytest.raises(BadRewards, match="(?s)reward 'mine' " + words + where):
        replay(run, "grpo-1", path)


def test_nan_is_accepted_only_where_the_score_is_undecided(store, file):
    rolled(store, "grpo-1", [(1, 0, "p", [UNDECIDED] * 2)], GOLDS)
    result = replay(store, "grpo-1", file("REWARDS = {'a': (1, lambda t, g, s: float('nan'))}"))
    assert result["reward"]["after"] == 0
    assert result["parts"][-1]["after"] == {"weight": 1.0, "mean": None, "n": 0}


def test_a_file_may_define_classes_and_numbers_of_numpy(run, file):
    source = """
from dataclasses import dataclass
import numpy as np

@dataclass
class Bonus:
    size: float
    def __call__(self, text, gold, score):
        return np.float32(self.size) * np.bool_(score.correct)

REWARDS = {"bonus": [np.float64(2), Bonus(1.5)]}
"""
    assert replay(run, "grpo-1", file(source))["parts"][-1]["after"]["mean"] == 1.5 * 7 / 16


def test_a_file_that_fails_leaves_nothing_behind(run, say, file, tmp_path):
    path = file("def f(text, gold, score):\n    return float('nan')\nREWARDS = {'a': (1, f)}")
    flips = tmp_path / "flips.jsonl"
    code, out, err = say(
        "rewards", "replay", "--run", "grpo-1", "--rewards", path, "--flips", flips
    )
    assert (code, out) == (2, "")
    assert "reward 'a' gave nan" in err
    assert {each.name for each in tmp_path.iterdir()} == {"store", "mine.py"}


def test_a_missing_file_is_reported(run, say, tmp_path):
    code, _, err = say("rewards", "replay", "--run", "grpo-1", "--rewards", tmp_path / "no.py")
    assert (code, "no.py: No such file" in err) == (2, True)
