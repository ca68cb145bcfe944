"""How far the sampler's probabilities are from the trainer's, on one model in one precision.

    python -m benchmarks.training.mismatch --model FOLDER --dtype bfloat16

The engine samples completions of the bundled problems at temperature 1, token by token with a
cache; the program of GRPO's loss scores whole rows of the same weights. Printed: the mean k3
estimate of KL(sampler || trainer) at a token, the share of tokens whose probabilities differ by
more than 5 %, and the largest difference; in float32 first, where another precision is asked for.
"""

import argparse
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks import report
from data.sources.samples import word_problems
from pipeline.batches import padded_left, padded_right, within
from pipeline.config import GrpoConfig
from pipeline.generate import Sampling, engine_of, in_order, requests_for
from pipeline.loss import DIFFERENT, scores_of
from pipeline.model import Tokenizer, gemma3, prompt_text

GROUP = 4


def measured(
    model: str, dtype: str, prompts: int, tokens: int, temperature: float
) -> list[dict[str, Any]]:
    """The differences of one model, as `report` prints them."""
    loaded = gemma3.load(model, dtype=dtype)
    tokenizer = Tokenizer(loaded.folder)
    longest = GrpoConfig().max_prompt_tokens
    sampling = Sampling(temperature=temperature, max_prompt_tokens=longest, max_tokens=tokens)
    questions = [problem.question for problem in word_problems.problems(prompts, 0, "train")]
    texts = [prompt_text(tokenizer, question) for question in questions for _ in range(GROUP)]
    requests = requests_for(texts, sampling, 0, logprobs=True)
    engine = engine_of(loaded.model, tokenizer, sampling, len(texts))
    completions = in_order(engine.generate, requests)
    rows = [completion.ids for completion in completions]
    pad = tokenizer.pad_id()
    ids = padded_left([tokenizer.encode(text) for text in texts], longest, pad)
    logp = np.concatenate(
        [
            scores_of(
                loaded.model,
                jnp.array(ids[at : at + GROUP]),
                jnp.array(padded_right(rows[at : at + GROUP], tokens, pad)),
                pad=pad,
                temperature=temperature,
            ).logp
            for at in range(0, len(rows), GROUP)
        ]
    )
    trained = logp[within(rows, tokens)]
    sampled = np.concatenate([np.asarray(completion.logprobs) for completion in completions])
    difference = trained.astype(np.float64) - sampled
    ratio = np.exp(difference)
    shown = f"{model} in {dtype}, {len(difference):,} tokens"
    return [
        {"case": f"{shown}: {name}", "ours": float(value), "unit": unit, "theirs": None}
        for name, value, unit in (
            ("KL(sampler || trainer), k3", np.mean(ratio - 1 - difference), "nats a token"),
            ("different by more than 5 %", np.mean(np.abs(ratio - 1) > DIFFERENT), "of tokens"),
            ("largest difference", np.abs(difference).max(), "nats"),
            ("trainer's above twice the sampler's", np.mean(ratio > 2), "of tokens"),
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far the sampler is from the trainer.")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dtypes = dict.fromkeys(("float32", given.dtype))
    measurements = [
        row
        for dtype in dtypes
        for row in measured(given.model, dtype, given.prompts, given.tokens, given.temperature)
    ]
    report("mismatch", measurements, given.json)
