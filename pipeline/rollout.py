"""Generating completions: prompts in, texts with their tokens and finish reasons out.

Around Tunix's sampler, with its traps closed: greedy means `top_p=None`; each call has a fresh
seed; the stop token is kept; prompts longer than the limit never reach it.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from tunix.generate import sampler as tunix_sampler
from tunix.rl.rollout import base_rollout
from tunix.rl.rollout.vanilla_rollout import VanillaRollout

from pipeline.tokens import Tokenizer


class BadSampling(ValueError):
    """A sampling setting that this model cannot use."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """temperature 0 is greedy; top_k 0 and top_p 1 leave the distribution whole."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    max_prompt_tokens: int = 256
    max_tokens: int = 768

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Completion:
    """text without the stop token; ids with it, so that stopping can be trained.

    ids:    [time]  int32
    finish: stop (the model ended by itself) or length (it was cut off)
    """

    text: str
    ids: np.ndarray
    finish: str


Generate = Callable[[Sequence[str], int], list[Completion]]  # prompts, seed -> one each, in order


class Sampler(tunix_sampler.Sampler):
    """Tunix's sampler, whose last buffer of tokens can be read: it alone holds the stop token."""

    def __init__(self, model: nnx.Module, tokenizer: Tokenizer, sampling: Sampling) -> None:
        config = model.config  # type: ignore[attr-defined]
        if sampling.top_k > config.num_embed:
            raise BadSampling(
                f"top_k is {sampling.top_k}, but the model knows {config.num_embed} tokens;"
                " set a smaller top_k, or 0 for all"
            )
        super().__init__(
            model,
            tokenizer,
            tunix_sampler.CacheConfig(
                cache_size=sampling.max_prompt_tokens + sampling.max_tokens,
                num_layers=config.num_layers,
                num_kv_heads=config.num_kv_heads,
                head_dim=config.head_dim,
            ),
        )
        self.words = tokenizer
        self.sampling = sampling
        self.buffer = np.zeros((0, 0), dtype=np.int32)
        decode = self._compiled_decode_fn

        def decode_and_keep(params, state):
            state = decode(params, state)
            self.buffer = state.token_buffer
            return state

        self._compiled_decode_fn = decode_and_keep

    def complete(
        self, prompts: Sequence[str], seed: jax.Array
    ) -> tuple[list[Completion], np.ndarray]:
        """Completions in the order of `prompts`, and the prompts' ids padded on the left."""
        sampling = self.sampling
        greedy = sampling.temperature == 0
        self._refuse_long(prompts)
        output = self(
            input_strings=list(prompts),
            max_generation_steps=sampling.max_tokens,
            max_prompt_length=sampling.max_prompt_tokens,
            temperature=sampling.temperature,
            # with top_p set, temperature 0 would divide by zero and emit pads
            top_p=None if greedy else sampling.top_p,
            top_k=None if greedy or sampling.top_k == 0 else sampling.top_k,
            eos_tokens=self.words.stop_ids(),
            seed=seed,  # type: ignore[arg-type]  # a key is passed through as it is
        )
        written = np.asarray(self.buffer)[:, sampling.max_prompt_tokens :]
        return [self._completion(row) for row in written], output.padded_prompt_tokens

    def _completion(self, row: np.ndarray) -> Completion:
        stops = np.flatnonzero(np.isin(row, self.words.stop_ids()))
        if len(stops):
            ids = row[: stops[0] + 1]
            return Completion(self.words.decode(ids[:-1].tolist()), ids, "stop")
        return Completion(self.words.decode(row.tolist()), row, "length")

    def _refuse_long(self, prompts: Sequence[str]) -> None:
        limit = self.sampling.max_prompt_tokens
        longest = max(len(self.words.encode(prompt)) for prompt in prompts)
        if longest > limit:
            raise BadSampling(
                f"a prompt has {longest} tokens, the limit is {limit}; leave out long prompts"
                " before (fitting) or raise max_prompt_tokens"
            )


def generator(
    model: nnx.Module,
    tokenizer: Tokenizer,
    sampling: Sampling,
    batch: int,
    mesh: Mesh | None = None,
) -> Generate:
    """A function that completes any number of prompts, `batch` at a time.

    Each batch has its own seed, and a short last batch is filled up with its own last prompt: the
    shape stays the same, so nothing is compiled twice. On a mesh of several devices batch and
    cache are sharded over it; Tunix does so only inside of it.
    """
    sampler = Sampler(model, tokenizer, sampling)

    def generate(prompts: Sequence[str], seed: int) -> list[Completion]:
        completions = []
        for start in range(0, len(prompts), batch):
            chunk = list(prompts[start : start + batch])
            filled = chunk + chunk[-1:] * (batch - len(chunk))
            key = jax.random.fold_in(jax.random.PRNGKey(seed), start)
            with mesh or contextlib.nullcontext():
                completions += sampler.complete(filled, key)[0][: len(chunk)]
        return completions

    return generate


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


class FreshRollout(VanillaRollout):
    """The rollout engine of GRPO: a new seed at each call, stop tokens kept, all completions noted.

    Tunix takes `seed=None` for the same key at every call, which samples the same texts again.
    """

    def __init__(
        self,
        rollout_actor: nnx.Module,
        tokenizer: object,
        mesh: jax.sharding.Mesh,
        rollout_config: base_rollout.RolloutConfig,
        *,
        words: Tokenizer,
        sampling: Sampling,
        seed: int,
    ) -> None:
        self._sampler = Sampler(rollout_actor, words, sampling)
        self._words = words
        self._key = jax.random.PRNGKey(seed)
        self.calls = 0
        self.noted: list[Completion] = []
        self.resampling: Resampling | None = None
        self.resampled = 0  # groups of the last call that were sampled again

    def generate(
        self, prompts: list[str], rollout_config: base_rollout.RolloutConfig, **kwargs
    ) -> base_rollout.RolloutOutput:
        key = jax.random.fold_in(self._key, self.calls)
        self.calls += 1
        completions, prompt_ids = self._sampler.complete(prompts, key)
        completions = self._with_a_signal(prompts, completions, key)
        self.noted += completions
        return base_rollout.RolloutOutput(
            text=[completion.text for completion in completions],
            logits=None,  # type: ignore[arg-type]  # not asked for; Tunix reads it as optional
            tokens=[completion.ids for completion in completions],
            left_padded_prompt_tokens=prompt_ids,
            logprobs=None,
        )

    def _with_a_signal(
        self, prompts: list[str], completions: list[Completion], key: jax.Array
    ) -> list[Completion]:
        """Each group as it is, or as the last of its new tries."""
        again, self.resampled = self.resampling, 0
        for attempt in range(again.tries if again else 0):
            assert again is not None
            silent = again.silent(prompts, completions)
            if not silent.any():
                break
            self.resampled = max(self.resampled, int(silent.sum()))
            new, _ = self._sampler.complete(prompts, jax.random.fold_in(key, attempt))
            completions = [
                new[place] if silent[place // again.group] else old
                for place, old in enumerate(completions)
            ]
        return completions

    def pad_id(self) -> int:
        return self._words.pad_id()

    def eos_id(self) -> int:
        return self._words.eos_id()
