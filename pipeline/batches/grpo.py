"""GRPO: the problems of each step."""

import grain.python as grain
import numpy as np

from pipeline.batches.examples import Prompt
from pipeline.config import GrpoConfig


def prompt_batches(problems: list[Prompt], config: GrpoConfig) -> grain.MapDataset:
    """Batches without end, each a pure function of seed and step; columns are arrays of text.

    prompts, problem_id, gold: [config.prompts]
    """

    def columns(indices: np.ndarray) -> dict[str, np.ndarray]:
        chosen = [problems[index] for index in indices]
        return {
            "prompts": np.array([problem.prompt for problem in chosen]),
            "problem_id": np.array([problem.problem_id for problem in chosen]),
            "gold": np.array([problem.gold for problem in chosen]),
        }

    order = grain.MapDataset.source(range(len(problems))).shuffle(seed=config.seed).repeat()
    return order.batch(config.prompts).map(columns)
