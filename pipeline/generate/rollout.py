"""Completions of prompts by a model in memory: for evaluation, and as the rollout of GRPO."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from tunix.rl.rollout import base_rollout

from data.errors import UserError
from pipeline.generate.engine import Engine
from pipeline.generate.requests import Completion, GenerateRequests, Request, Sampling
from pipeline.generate.seeds import seed_of
from pipeline.loss import scores_of
from pipeline.model import Tokenizer

Generate = Callable[[Sequence[str], int], list[Completion]]  # prompts, seed -> one each, in order


def requests_for(
    prompts: Sequence[str], sampling: Sampling, seed: int, moment: str = ""
) -> list[Request]:
    """One request for each prompt; those with the same prompt are samples with seeds of their own.

    moment: which of several times this is, such as a step of training
    """
    seen: Counter[str] = Counter()
    requests = []
    for prompt in prompts:
        own = seed_of(seed, seen[prompt], f"{moment}{prompt}")
        requests.append(Request(prompt=prompt, sampling=sampling, seed=own))
        seen[prompt] += 1
    return requests


def in_order(generate: GenerateRequests, requests: Sequence[Request]) -> list[Completion]:
    """The completion of each of `requests`, once all are there."""
    found = dict(generate(requests))
    return [found[place] for place in range(len(requests))]


def generator(
    model: nnx.Module,
    tokenizer: Tokenizer,
    sampling: Sampling,
    slots: int,
) -> Generate:
    """A function that completes any number of prompts, with `slots` written at a time.

    It uses the weights that `model` has when it is called.
    """
    engine = engine_of(model, tokenizer, sampling, slots)

    def generate(prompts: Sequence[str], seed: int) -> list[Completion]:
        return in_order(engine.generate, requests_for(prompts, sampling, seed))

    return generate


def engine_of(
    model: nnx.Module,
    tokenizer: Tokenizer,
    sampling: Sampling,
    slots: int,
) -> Engine:
    """An engine for requests as long as `sampling` allows."""
    vocabulary = model.config.num_embed  # type: ignore[attr-defined]
    if sampling.top_k > vocabulary:
        raise UserError(
            f"top_k is {sampling.top_k}, but the model knows {vocabulary} tokens;"
            " set a smaller top_k, or 0 for all"
        )
    return Engine(
        model,
        tokenizer,
        slots=slots,
        max_prompt_tokens=sampling.max_prompt_tokens,
        max_tokens=sampling.max_tokens,
    )


@dataclass(frozen=True)
class Resampling:
    """Groups whose rewards are all the same are sampled again: they teach nothing.

    group: completions of one prompt, which follow each other
    reward: of a prompt and a text
    """

    group: int
    tries: int
    reward: Callable[[str, str], float]

    def silent(self, prompts: Sequence[str], completions: Sequence[Completion]) -> np.ndarray:
        """[groups]  bool"""
        rewards = [
            self.reward(prompt, completion.text)
            for prompt, completion in zip(prompts, completions, strict=True)
        ]
        return np.ptp(np.reshape(rewards, (-1, self.group)), axis=1) == 0


class FreshRollout(base_rollout.BaseRollout):
    """The rollout of GRPO: new seeds at each call, stop tokens kept, all completions noted.

    What is sampled depends on the seed, the number of the call, the prompt and which of its samples
    it is: a run that goes on samples what one that was left alone does. Tunix's own rollout takes
    `seed=None` for the same key at every call, which samples the same texts again.
    """

    def __init__(
        self,
        rollout_actor: nnx.Module,
        tokenizer: object,
        mesh: Mesh,
        rollout_config: base_rollout.RolloutConfig,
        *,
        words: Tokenizer,
        sampling: Sampling,
        slots: int,
        seed: int,
    ) -> None:
        self._engine = engine_of(rollout_actor, words, sampling, slots)
        self._words, self._sampling, self._seed = words, sampling, seed
        self.calls = 0
        self.noted: list[Completion] = []
        self.resampling: Resampling | None = None
        self.resampled = 0  # groups of the last call that were sampled again

    def generate(
        self, prompts: list[str], rollout_config: base_rollout.RolloutConfig, **kwargs
    ) -> base_rollout.RolloutOutput:
        completions = self._sampled(prompts, f"{self.calls} ", range(len(prompts)))
        completions = self._with_a_signal(prompts, completions)
        self.calls += 1
        self.noted += completions
        return base_rollout.RolloutOutput(
            text=[completion.text for completion in completions],
            logits=None,  # type: ignore[arg-type]  # not asked for; Tunix reads it as optional
            tokens=[completion.ids for completion in completions],
            left_padded_prompt_tokens=self._padded(prompts),
            logprobs=None,
        )

    def _sampled(self, prompts: list[str], moment: str, places: Sequence[int]) -> list[Completion]:
        """Completions of those of `prompts` that have `places`, each with the seed of its place."""
        requests = requests_for(prompts, self._sampling, self._seed, moment)
        return in_order(self._engine.generate, [requests[place] for place in places])

    def _with_a_signal(self, prompts: list[str], completions: list[Completion]) -> list[Completion]:
        """Each group as it is, or as the last of its new tries."""
        again, self.resampled = self.resampling, 0
        for attempt in range(again.tries if again else 0):
            assert again is not None
            silent = np.repeat(again.silent(prompts, completions), again.group)
            places = np.flatnonzero(silent).tolist()
            if not places:
                break
            self.resampled = max(self.resampled, len(places) // again.group)
            new = self._sampled(prompts, f"{self.calls} again {attempt} ", places)
            for place, completion in zip(places, new, strict=True):
                completions[place] = completion
        return completions

    def _padded(self, prompts: list[str]) -> np.ndarray:
        """The ids of `prompts`, padded on the left: [prompts, max_prompt_tokens]  int32"""
        length = self._sampling.max_prompt_tokens
        padded = np.full((len(prompts), length), self.pad_id(), np.int32)
        for row, prompt in enumerate(prompts):
            ids = self._words.encode(prompt)
            padded[row, length - len(ids) :] = ids
        return padded

    def get_per_token_logps(
        self, prompt_tokens: jax.Array, completion_tokens: jax.Array
    ) -> jax.Array:
        """[batch, completion]: log-probabilities in nats, at the temperature of sampling."""
        scores = scores_of(
            self.model(),
            prompt_tokens,
            completion_tokens,
            pad=self.pad_id(),
            temperature=self._sampling.temperature,
        )
        return scores.logp

    def update_params(self, params, filter_types=None) -> None:
        """Take over `params`. Where actor and rollout share a model there is nothing to take."""
        nnx.update(self.model(), params)

    def pad_id(self) -> int:
        return self._words.pad_id()

    def eos_id(self) -> int:
        return self._words.eos_id()

    def model(self) -> nnx.Module:
        return self._engine.model
