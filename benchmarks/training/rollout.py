"""The rollout engine against Tunix's sampler, on one model in one run.

    python -m benchmarks.training.rollout

Lengths are drawn as GSM8K's answers are spread: lognormal, cut at a cap, a mean near 0.35 of the
cap and 2 to 5 % at it. Both get the same weights, prompts and lengths, and every request is greedy:
ours by `max_tokens` of each request; Tunix's batch, which decodes until its longest row ends, is
told to end with its longest row, as it would if a stop token ended each. (Steps cost it the same
whether a row is done or not.) No stop token exists, so nothing ends by itself. Prompts are random
ids of 0.4 to 1 times the longest, which is a third of the cap, as the reference recipe has 256 of
768. Requests are served in the same order. If steps cost both the same, the best schedule of these
lengths would be worth 2.5 at batch 16 and 2.9 at 64: the mean of a batch's longest over the mean.

Both are timed by turns, and the medians count. The share of a perfect schedule is that of one with
no idle slot, which takes tokens / slots steps. `--shared K` asks for K completions of each prompt.
"""

import argparse
import dataclasses
import statistics
import time
import warnings
from typing import Any

import jax
import numpy as np
from flax import nnx
from tunix.generate import sampler as tunix
from tunix.models.gemma3.model import Gemma3, ModelConfig

from benchmarks import report
from pipeline.generate import Engine, Request, Sampling
from pipeline.model import gemma3

MID = ModelConfig(
    num_layers=12,
    num_embed=32_768,
    embed_dim=512,
    hidden_dim=2048,
    num_heads=4,
    head_dim=128,
    num_kv_heads=1,
    sliding_window_size=64,
    local_base_frequency=10_000,
    global_base_frequency=1_000_000,
    param_dtype=jax.numpy.float32,
)


class Words:
    """A tokenizer of numbers: the text of a prompt is its ids. Nothing stops a text."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, ids: Any) -> str:
        return " ".join(str(number) for number in ids)

    def stop_ids(self) -> list[int]:
        return [self.vocabulary]

    def pad_id(self) -> int:
        return 0

    def eos_id(self) -> int:
        return self.vocabulary

    def bos_id(self) -> int:
        return 0  # none: Tunix would put one before each prompt


class EndsWithItsLongest(tunix.Sampler):
    """Tunix's sampler, whose batch ends after `longest` tokens."""

    longest = 0

    def init_sample_state(self, all_input_ids: jax.Array, *rest, **settings):
        state = super().init_sample_state(all_input_ids, *rest, **settings)
        end = all_input_ids.shape[1] + self.longest
        return dataclasses.replace(state, total_sampling_steps=end)  # type: ignore[type-var]


def random_model(config: ModelConfig, seed: int = 0) -> Gemma3:
    """Weights of a scale that trained ones have; Tunix's own are zeros in the MLP."""
    model = Gemma3(config, rngs=nnx.Rngs(seed))
    state, rng = nnx.state(model, nnx.Param), np.random.default_rng(seed)

    def drawn(weight: jax.Array) -> jax.Array:
        scale = 0.02 if weight.ndim > 1 else 0.0
        values = rng.standard_normal(weight.shape, dtype=np.float32)
        return jax.numpy.asarray(scale * values, weight.dtype)

    nnx.update(model, jax.tree.map(drawn, state))
    return model


def lengths_like_gsm8k(n: int, cap: int, rng: np.random.Generator) -> np.ndarray:
    """[n] tokens: lognormal with a median of 0.28 of the cap, cut there."""
    return np.clip(0.28 * cap * rng.lognormal(0.0, 0.7, n), 4, cap).astype(int)


def drawn_requests(n: int, shared: int, prompt: int, cap: int, vocabulary: int) -> list[Request]:
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(-(-n // shared)):
        ids = rng.integers(110, vocabulary, rng.integers(int(0.4 * prompt), prompt + 1))
        texts += [" ".join(map(str, ids))] * shared
    return [
        Request(prompt=text, sampling=Sampling(max_prompt_tokens=prompt, max_tokens=int(length)))
        for text, length in zip(texts[:n], lengths_like_gsm8k(n, cap, rng), strict=True)
    ]


def theirs(sampler: EndsWithItsLongest, requests: list[Request], batch: int, cap: int) -> float:
    """Seconds of Tunix's sampler, a batch at a time."""
    begin = time.perf_counter()
    for start in range(0, len(requests), batch):
        part = requests[start : start + batch]
        sampler.longest = max(request.sampling.max_tokens for request in part)
        sampler(
            input_strings=[request.prompt for request in part],
            max_generation_steps=cap,
            max_prompt_length=part[0].sampling.max_prompt_tokens,
        )
    return time.perf_counter() - begin


def compared(
    name: str,
    model: Gemma3,
    batch: int,
    rounds: int,
    prompt: int,
    cap: int,
    shared: int,
    turns: int,
) -> list[dict[str, Any]]:
    config = model.config
    words = Words(config.num_embed)
    engine = Engine(model, words, slots=batch, max_prompt_tokens=prompt, max_tokens=cap)  # type: ignore[arg-type]
    sampler = EndsWithItsLongest(
        model,
        words,
        tunix.CacheConfig(prompt + cap, config.num_layers, config.num_kv_heads, config.head_dim),
    )
    requests = drawn_requests(batch * rounds, shared, prompt, cap, config.num_embed)
    theirs(sampler, requests[:batch], batch, cap)  # compiles
    short = Sampling(max_prompt_tokens=prompt, max_tokens=2)
    list(engine.generate([dataclasses.replace(request, sampling=short) for request in requests]))
    slows, speeds = [], []
    for _ in range(turns):
        slows.append(theirs(sampler, requests, batch, cap))
        list(engine.generate(requests))
        speeds.append(engine.speed)
    slow = statistics.median(slows)
    speed = sorted(speeds, key=lambda one: one.seconds)[turns // 2]
    tokens = sum(request.sampling.max_tokens for request in requests)
    assert (speed.requests, speed.tokens) == (len(requests), tokens)
    case = f"{name}, batch {batch}"
    mean = tokens / len(requests) / cap

    def row(what: str, ours: float, other: float | None, unit: str) -> dict[str, Any]:
        ratio = None if other is None else round(ours / other, 2)
        beside = None if other is None else float(f"{other:.4g}")
        return {"case": f"{case}: {what}", "ours": float(f"{ours:.4g}"), "theirs": beside,
                "unit": unit, "ratio": ratio}  # fmt: skip

    steps = sum(
        max(r.sampling.max_tokens for r in requests[start : start + batch])
        for start in range(0, len(requests), batch)
    )
    return [
        row(
            f"{len(requests)} requests, mean {mean:.2f} of {cap} tokens",
            len(requests) / speed.seconds,
            len(requests) / slow,
            "generations/s",
        ),
        row("tokens", tokens / speed.seconds, tokens / slow, "tokens/s"),
        row("share of a perfect schedule", speed.occupancy, tokens / (steps * batch), "of slots"),
        row("reading prompts", speed.reading / speed.seconds, None, "of the time"),
        row("decode", speed.writing / speed.seconds, None, "of the time"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("tiny", "mid", "both"), default="both")
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64])
    # an evaluation on GSM8K asks 1,319 questions: some 20 of each of 64 slots
    parser.add_argument("--rounds", type=int, default=20, help="requests for each slot")
    parser.add_argument("--prompt", type=int, default=64, help="longest prompt, in tokens")
    parser.add_argument("--cap", type=int, default=192, help="longest completion, in tokens")
    parser.add_argument("--shared", type=int, default=1, help="completions of each prompt")
    parser.add_argument("--turns", type=int, default=3, help="of both, of which the medians count")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in ("tiny", "mid") if arguments.model == "both" else (arguments.model,):
        model = gemma3.load("tiny").model if name == "tiny" else random_model(MID)
        label = f"{name}, {gemma3.parameters(model) / 1e6:.1f} M parameters"
        for batch in arguments.batch:
            rows += compared(
                label, model, batch, arguments.rounds, arguments.prompt, arguments.cap,
                arguments.shared, arguments.turns,
            )  # fmt: skip
    report("rollout", rows, arguments.json)
