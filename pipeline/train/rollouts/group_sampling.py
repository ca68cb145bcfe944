"""The groups of a step of GRPO: completions of each problem, judged, some of them sampled again."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from flax import nnx
from jax.sharding import Mesh

from evals.rollouts import stored_verdicts
from pipeline.batches import ProblemChoice, Prompt
from pipeline.config import GrpoConfig
from pipeline.evaluate.judge import GroupTexts, JudgeOfGroups
from pipeline.generate import Sampling, engine_of, in_order, requests_for
from pipeline.model import Tokenizer
from pipeline.train import StoreMetrics
from pipeline.train.rewards import Group, Part, judge_rollout, with_judge


class GroupSampler:
    """Samples the groups of each step from `actor`, as its weights are at that moment."""

    def __init__(
        self,
        actor: nnx.Module,
        mesh: Mesh,
        tokenizer: Tokenizer,
        problems: Sequence[Prompt],
        rewards: Sequence[Part],
        config: GrpoConfig,
        judge: JudgeOfGroups | None = None,
    ) -> None:
        self.mesh, self.rewards, self.config, self.judge = mesh, rewards, config, judge
        self.choice = ProblemChoice(problems, config.seed, config.curriculum)
        self.sampling = Sampling(
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            max_prompt_tokens=config.max_prompt_tokens,
            max_tokens=config.max_tokens,
        )
        self.engine = engine_of(actor, tokenizer, self.sampling, config.prompts * config.group)

    def resume(self, metrics: StoreMetrics, steps: int) -> None:
        """Continue after `steps` steps, whose verdicts the curriculum reads from the store."""
        if not (self.config.curriculum and steps):
            return
        verdicts = stored_verdicts(metrics.store, metrics.run).filter(pl.col("step") <= steps)
        for rows in verdicts.sort("step").partition_by("step", maintain_order=True):
            self.choice.ledger.add(rows.select("problem_id", "right").iter_rows())

    def sample_step(self, batch: dict[str, Any], step: int) -> tuple[list[Group], list[Group]]:
        """A group for each position of the batch, and the tries that were discarded.

        batch: columns of `prompt_batches`, each row repeated `config.group` times; a curriculum
               draws other problems, as many

        Up to `config.resample` times, groups whose answers are not mixed are replaced by groups of
        problems that were not yet sampled in this step (dynamic sampling, arXiv:2503.14476).
        """
        salt = f"{step - 1} "  # the number of finished steps; runs of before sampled with it
        problems = self._problems_of(batch, step)
        groups = self.sample(problems, range(len(problems)), 0, salt)
        discarded: list[Group] = []
        for attempt in range(1, self.config.resample + 1):
            again = [group.position for group in groups if not group.has_mixed_answers()]
            if not again:
                break
            used = {group.problem.problem_id for group in (*groups, *discarded)}
            fresh = self.choice.draw(len(again), step, attempt, without=used)
            positions = again[: len(fresh)]
            for group in self.sample(fresh, positions, attempt, f"{salt}again {attempt} "):
                discarded.append(groups[group.position])
                groups[group.position] = group
        self.choice.ledger.add(_verdicts([*groups, *discarded]))
        return groups, discarded

    def _problems_of(self, batch: dict[str, Any], step: int) -> list[Prompt]:
        if self.config.curriculum:
            return self.choice.draw(self.config.prompts, step, attempt=0)
        rows = range(0, len(batch["prompts"]), self.config.group)
        columns = (batch[name][rows] for name in ("problem_id", "prompts", "gold"))
        return [Prompt(*map(str, row)) for row in zip(*columns, strict=True)]

    def sample(
        self, problems: Sequence[Prompt], positions: Sequence[int], attempt: int, salt: str
    ) -> list[Group]:
        """A group of completions for each of `problems`, judged.

        The seed of each follows from its prompt, which of the prompt's samples it is, and `salt`:
        a resumed run samples what a run without interruption samples.
        """
        size = self.config.group
        prompts = [problem.prompt for problem in problems for _ in range(size)]
        requests = requests_for(prompts, self.sampling, self.config.seed, salt, logprobs=True)
        with self.mesh:
            completions = in_order(self.engine.generate, requests)
        groups = []
        for index, (problem, position) in enumerate(zip(problems, positions, strict=True)):
            rollouts = [
                judge_rollout(completion, problem.gold, self.rewards)
                for completion in completions[size * index : size * (index + 1)]
            ]
            groups.append(Group(problem, rollouts, position, attempt))
        if self.judge is None:
            return groups
        return with_judge(groups, self.rewards, self.judge.rewards([_texts(g) for g in groups]))


def _texts(group: Group) -> GroupTexts:
    completions = [rollout.completion.text for rollout in group.rollouts]
    return GroupTexts(group.problem.problem_id, group.problem.gold, completions)


def _verdicts(groups: Sequence[Group]) -> Iterator[tuple[str, bool | None]]:
    """Of each completion: its problem, and whether its answer is correct."""
    for group in groups:
        for rollout in group.rollouts:
            yield group.problem.problem_id, rollout.score.correct
