"""Completions of prompts by a model in memory."""

from collections import Counter
from collections.abc import Callable, Sequence

from flax import nnx

from data.errors import UserError
from pipeline.generate.engine import Engine
from pipeline.generate.requests import Completion, GenerateRequests, Request, Sampling
from pipeline.generate.seeds import seed_of
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
