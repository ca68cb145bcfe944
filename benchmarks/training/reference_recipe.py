"""The recipe of Tunix's GRPO notebook for Gemma 3 on GSM8K, by Tunix 0.1.7 as it comes.

Two completions a problem, two problems a step (its 3,364 steps are nine tenths of an epoch of
7,473), the notebook's four rewards, its KL (k1, weight 0.08), the sampler's constant seed, no stop
token in what is trained, the last step kept. What hangs on the size of the model is that of our
recipe: completions in all, learning rate, adapters.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optax
from tunix.rl import rl_cluster as rl
from tunix.rl.grpo.grpo_learner import GRPOConfig, GRPOLearner
from tunix.rl.rollout import base_rollout

from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_OPEN, TAGS
from evals.graders import tunix_notebook
from pipeline.batches import Prompt, prompt_batches
from pipeline.config import GrpoConfig
from pipeline.model import Tokenizer, add_adapters, gemma3, merge_adapters
from pipeline.train import StoreMetrics, tunix

PROMPTS, GROUP, BETA, TEMPERATURE, TOP_K = 2, 2, 0.08, 0.9, 50
WEIGHT_DECAY, CLIP = 0.1, 0.1
_ANSWER = re.compile(f"{re.escape(ANSWER_OPEN)}(.+?){re.escape(ANSWER_CLOSE)}", re.DOTALL)


def exact_format(text: str, gold: str) -> float:
    """3 for the format as the notebook's expression has it."""
    return 3.0 * tunix_notebook.in_format(text)


def approximate_format(text: str, gold: str) -> float:
    """Half a point for each tag that is there once and for the right beginning, else minus half."""
    signs = [text.count(tag) == 1 for tag in TAGS] + [text.startswith(REASONING_OPEN)]
    return sum(0.5 if one else -0.5 for one in signs)


def answer(text: str, gold: str) -> float:
    """3 for the gold's own characters, less for what is near it, minus 1 for another number."""
    match = _ANSWER.search(text) if tunix_notebook.in_format(text) else None
    if match is None:
        return 0.0
    stated = match.group(1)
    if stated == gold:
        return 3.0
    if stated.strip() == gold.strip():
        return 1.5
    try:
        ratio = float(stated) / float(gold)
    except (ValueError, ZeroDivisionError):
        return -0.5
    if 0.9 <= ratio <= 1.1:
        return 0.5
    return 0.25 if 0.8 <= ratio <= 1.2 else -1.0


def number(text: str, gold: str) -> float:
    """1.5 for the gold as the first number after the answer's tag."""
    return 1.5 * (tunix_notebook.verdicts(tunix_notebook.extract(text), gold)[0])


REWARDS = (exact_format, approximate_format, answer, number)


def as_tunix(reward: Callable[[str, str], float]) -> Callable[..., list[float]]:
    def scored(prompts, completions, gold, **columns) -> list[float]:
        return [reward(text, str(right)) for text, right in zip(completions, gold, strict=True)]

    scored.__name__ = reward.__name__
    return scored


def train(
    start: gemma3.Loaded,
    problems: list[Prompt],
    tokenizer: Tokenizer,
    ours: GrpoConfig,
    metrics: StoreMetrics,
    merged: Path,
    *,
    prompts: int = PROMPTS,
) -> Path:
    """Train `start` as the notebook does, on as many completions as `ours` samples; `merged`.

    prompts: problems a step; there are as many steps as use up the completions
    """
    steps = ours.steps * ours.prompts * ours.group // (prompts * GROUP)
    actor = add_adapters(
        start.model, rank=ours.lora_rank, alpha=ours.lora_alpha, seed=ours.seed, mesh=start.mesh
    )
    rate = optax.warmup_cosine_decay_schedule(
        0.0, ours.learning_rate, max(1, round(0.1 * steps)), steps
    )
    roles = (rl.Role.ACTOR, rl.Role.REFERENCE, rl.Role.ROLLOUT)
    cluster = rl.RLCluster(
        actor=actor,
        reference=start.model,
        tokenizer=tokenizer,
        cluster_config=rl.ClusterConfig(
            role_to_mesh=dict.fromkeys(roles, start.mesh),
            rollout_engine="vanilla",
            training_config=rl.RLTrainingConfig(
                actor_optimizer=optax.chain(
                    optax.clip_by_global_norm(CLIP),
                    optax.adamw(rate, b1=0.9, b2=0.99, weight_decay=WEIGHT_DECAY),
                ),
                eval_every_n_steps=steps + 1,
                max_steps=steps,
                mini_batch_size=prompts,
                train_micro_batch_size=prompts,
            ),
            rollout_config=base_rollout.RolloutConfig(
                max_tokens_to_generate=ours.max_tokens,
                max_prompt_length=ours.max_prompt_tokens,
                kv_cache_size=ours.max_prompt_tokens + ours.max_tokens,
                temperature=TEMPERATURE,
                top_p=1.0,
                top_k=TOP_K,
                eos_tokens=tokenizer.stop_ids(),
            ),
        ),
    )
    cluster.actor_trainer.metrics_logger = tunix.Logger(metrics)
    cluster.actor_trainer.config.max_steps = None  # no progress bar
    learner = GRPOLearner(
        rl_cluster=cluster,
        reward_fns=[as_tunix(reward) for reward in REWARDS],
        algo_config=GRPOConfig(num_generations=GROUP, beta=BETA, epsilon=0.2),
    )
    order = GrpoConfig(prompts=prompts, steps=steps, seed=ours.seed)
    batches = prompt_batches(problems, order)
    columns = [{k: np.asarray(v) for k, v in batches[s].items()} for s in range(steps)]  # type: ignore[union-attr]
    learner.train(columns)  # type: ignore[arg-type]
    metrics.flush()
    merge_adapters(actor, start.model, alpha=ours.lora_alpha)
    return gemma3.save(start.model, start.folder, merged)
