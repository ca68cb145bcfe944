"""Rollouts as the trainer would have stored them, for tests."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from data.store.store import Store, add
from evals.rollouts.advantages import group_advantages
from pipeline.config import GrpoConfig
from pipeline.train.rewards.parts import judge, rewards_of
from tests.support.store_rows import rows_of

# step, group, problem, and the answers of its rollouts
Group = tuple[int, int, str, Sequence[str]]
NUMBER = "7"
UNDECIDED = "3 + 4"  # its verdict is unknown: a calculation that is not carried out

GOLDS = {"p": "7", "q": "7", "r": "7"}
GROUPS = [
    (1, 0, "p", ["7", "1", "2", "7"]),  # answers decide
    (1, 1, "q", ["7", "7", "7", "7"]),  # all the same
    (2, 0, "p", ["7", "no tags <answer>", "6", "1"]),
    (2, 1, "r", ["1", "1", "1", "1"]),
]


def text(answer: str) -> str:
    """A completion in the format."""
    return f"<reasoning>so</reasoning>\n<answer>{answer}</answer>"


def rolled(
    store: Store,
    run: str,
    groups: Sequence[Group],
    golds: dict[str, str],
    discarded: Sequence[Group] = (),
) -> None:
    """Add the rollouts of `run` with this project's rewards, and the problems with `golds`.

    discarded: first tries, each of which one of `groups` with its step and number has replaced
    """
    replaced = {(step, group) for step, group, *_ in discarded}
    parts = rewards_of(GrpoConfig())
    rows = []
    tries = [(one, False) for one in groups] + [(one, True) for one in discarded]
    for (step, group, problem, answers), is_discarded in tries:
        gold = golds.get(problem, NUMBER)
        judged = []
        for answer in answers:
            whole = answer if answer.startswith("<") else text(answer)
            score = judge(whole, gold)
            values = [part.of(whole, gold, score, len(whole)) for part in parts]
            judged.append((whole, values))
        weights = [part.weight for part in parts]
        rewards = np.array([np.nansum(np.multiply(values, weights)) for _, values in judged])
        for sample, ((whole, values), reward, advantage) in enumerate(
            zip(judged, rewards, group_advantages(rewards[None])[0], strict=True)
        ):
            rows.append(
                {
                    "step": step,
                    "group": group,
                    "sample": sample,
                    "problem_id": problem,
                    "text": whole,
                    "tokens": len(whole),
                    "finish": "stop",
                    "rewards": [
                        {"name": part.name, "value": value, "weight": part.weight}
                        for part, value in zip(parts, values, strict=True)
                    ],
                    "reward": reward,
                    "advantage": None if is_discarded else advantage,
                    "attempt": int((step, group) in replaced and not is_discarded),
                    "discarded": is_discarded,
                }
            )
    add(store, "rollouts", pl.DataFrame(rows), run=run)
    if golds:
        problems = rows_of("problems", problem_id=list(golds), gold=list(golds.values()))
        add(store, "problems", problems, run="convert-test")
