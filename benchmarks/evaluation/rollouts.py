"""The learnability ledger and rewards tried again, on made rollouts.

    python -m benchmarks.evaluation.rollouts

Rollouts of 8 a group, 64 groups a step, texts of 1.2 kB in the format, with the rewards that the
trainer would have given. The ledger is measured against reading the same rows and counting them in
one pass of Python, which is what one would write instead; rewards tried again have nothing beside
them. The memory is the largest of the whole process, the making of the rollouts included.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import report
from data.response_format import render
from data.store import REWARD, Store, add, ask, open_store
from evals.rollouts import group_advantages, problems
from pipeline.config import GrpoConfig
from pipeline.train.rewards import judge, replay, rewards_of

GROUP, GROUPS, PROBLEMS = 8, 64, 7_000
STEPS_AT_A_TIME = 40
REPEATS = 3
THOUGHT = "So there are {} boxes with 4 pens each, and 4 * 12 = 48 pens. " * 20
RUN = "made"


def make(store: Store, rollouts: int, seed: int = 0) -> None:
    """Add about so many rollouts of RUN, whole steps, and the problems."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{number:064x}" for number in range(PROBLEMS)])
    rates = rng.random(PROBLEMS)
    texts = {right: render(THOUGHT, "48" if right else "47") for right in (True, False)}
    parts = rewards_of(GrpoConfig())
    rewards = {
        right: [
            {"name": part.name, "weight": part.weight, "value": part.of(text, "48", score, 300)}
            for part in parts
            for score in [judge(text, "48")]
        ]
        for right, text in texts.items()
    }
    sums = {right: sum(p["value"] * p["weight"] for p in each) for right, each in rewards.items()}
    steps = rollouts // (GROUP * GROUPS)
    for first in range(0, steps, STEPS_AT_A_TIME):
        some = min(STEPS_AT_A_TIME, steps - first)
        who = np.repeat(rng.integers(0, PROBLEMS, some * GROUPS), GROUP)
        right = rng.random(len(who)) < rates[who]
        reward = np.where(right, sums[True], sums[False])
        rows = pl.DataFrame(
            {
                "step": np.repeat(np.arange(first, first + some), GROUPS * GROUP) + 1,
                "group": np.tile(np.repeat(np.arange(GROUPS), GROUP), some),
                "sample": np.tile(np.arange(GROUP, dtype=np.int32), some * GROUPS),
                "problem_id": ids[who],
                "text": [
                    texts[bool(one)].replace("{}", str(number)) for number, one in enumerate(right)
                ],
                "tokens": np.full(len(who), 300, np.int32),
                "finish": ["stop"] * len(who),
                "rewards": [rewards[bool(one)] for one in right],
                "reward": reward,
                "advantage": group_advantages(reward.reshape(-1, GROUP)).ravel(),
                "attempt": np.zeros(len(who), np.int32),
                "discarded": [False] * len(who),
            },
            schema_overrides={"rewards": pl.List(REWARD)},
        )
        add(store, "rollouts", rows, run=RUN)
    rows = {"problem_id": ids, "gold": ["48"] * PROBLEMS}
    empty = dict.fromkeys(("record_id", "source", "split", "question", "steps"))
    add(store, "problems", pl.DataFrame(rows | empty), run="problems")


def one_pass(store: Store) -> dict[str, list[Any]]:
    """Problem -> rollouts, right ones, steps, and the rewards of each group."""
    by_problem: dict[str, list[Any]] = {}
    groups = defaultdict(list)
    rows = ask(store, 'select problem_id, step, "group", reward, rewards from rollouts')
    for problem, step, group, reward, parts in rows.iter_rows():
        own = by_problem.setdefault(problem, [0, 0, set(), 0])
        own[0] += 1
        own[1] += next(part["value"] for part in parts if part["name"] == "answer") == 1
        own[2].add(step)
        groups[problem, step, group].append(reward)
    for (problem, _, _), rewards in groups.items():
        by_problem[problem][3] += statistics.pvariance(rewards) == 0
    return by_problem


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measured(rollouts: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder, "store"))
        make(store, rollouts)
        ours = statistics.median(seconds(lambda: problems(store, RUN)) for _ in range(REPEATS))
        again = seconds(lambda: replay(store, RUN))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        theirs = seconds(lambda: one_pass(store))
    return [
        {
            "case": f"ledger of {rollouts} rollouts",
            "ours": round(ours, 2),
            "theirs": round(theirs, 2),
            "unit": "s",
            "ratio": round(theirs / ours, 1),
        },
        *(
            {"case": case, "ours": value, "theirs": None, "unit": unit, "ratio": None}
            for case, value, unit in (
                (f"own rewards again on {rollouts} rollouts", round(again, 1), "s"),
                ("both", round(memory), "MiB at most"),
            )
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    report("rollouts", measured(arguments.rollouts), arguments.json)
