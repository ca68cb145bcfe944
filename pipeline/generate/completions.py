"""Completions of prompts by a model in memory, in the order of the prompts."""

from collections import Counter
from collections.abc import Callable, Sequence

from flax import nnx

from data.errors import UserError
from pipeline.generate.engine import Engine
from pipeline.generate.requests import Completion, GenerateRequests, Request, Sampling, seed_of
from pipeline.model import Loaded, Tokenizer

PARITY_TOKENS = 64  # of each greedy completion that an export is compared by
PARITY_SLOTS = 16

# Prompts and a seed -> one completion per prompt, in order.
Generate = Callable[[Sequence[str], int], list[Completion]]


def requests_for(
    prompts: Sequence[str],
    sampling: Sampling,
    seed: int,
    moment: str = "",
    *,
    logprobs: bool = False,
) -> list[Request]:
    """One request per prompt; samples of equal prompts get different seeds.

    moment: makes the seeds of one call differ from those of another, such as a step of training
    """
    samples: Counter[str] = Counter()
    requests = []
    for prompt in prompts:
        sample_seed = seed_of(seed, samples[prompt], f"{moment}{prompt}")
        requests.append(
            Request(prompt=prompt, sampling=sampling, seed=sample_seed, logprobs=logprobs)
        )
        samples[prompt] += 1
    return requests


def in_order(generate: GenerateRequests, requests: Sequence[Request]) -> list[Completion]:
    """The completion of each request, in the order of `requests`, once all have finished."""
    completions = dict(generate(requests))
    return [completions[index] for index in range(len(requests))]


def completer(model: nnx.Module, tokenizer: Tokenizer, sampling: Sampling, slots: int) -> Generate:
    """A function that completes any number of prompts, `slots` of them at a time.

    It uses the weights that `model` has at the time of the call.
    """
    engine = engine_of(model, tokenizer, sampling, slots)

    def generate(prompts: Sequence[str], seed: int) -> list[Completion]:
        return in_order(engine.generate, requests_for(prompts, sampling, seed))

    return generate


def engine_of(model: nnx.Module, tokenizer: Tokenizer, sampling: Sampling, slots: int) -> Engine:
    """An engine for requests up to the lengths that `sampling` allows."""
    vocabulary = model.config.num_embed  # type: ignore[attr-defined]
    if sampling.top_k > vocabulary:
        raise UserError(
            f"top_k is {sampling.top_k}, but the model's vocabulary has {vocabulary} tokens;"
            " set a smaller top_k, or 0 for all"
        )
    return Engine(
        model,
        tokenizer,
        slots=slots,
        max_prompt_tokens=sampling.max_prompt_tokens,
        max_tokens=sampling.max_tokens,
    )


def greedy_texts(loaded: Loaded, prompts: Sequence[str]) -> list[str]:
    """Greedy completions of whole prompts (template included), by which an export is checked."""
    tokenizer = Tokenizer(loaded.folder)
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    sampling = Sampling(max_prompt_tokens=longest, max_tokens=PARITY_TOKENS)
    generate = completer(loaded.model, tokenizer, sampling, min(len(prompts), PARITY_SLOTS))
    return [completion.text for completion in generate(prompts, 0)]
