"""What a server is asked: one request for each sample of a problem, with a seed of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.format import user_turn
from pipeline.config import EvalConfig
from pipeline.seeds import seed_of


@dataclass(frozen=True)
class Request:
    """One completion that is wanted. top_k 0 and top_p 1 leave the distribution whole."""

    problem_id: str
    sample: int
    messages: list[dict[str, str]]
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int

    @property
    def settings(self) -> dict[str, float]:
        return {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }


def requests_of(problems: pl.DataFrame, config: EvalConfig) -> Iterator[Request]:
    """`config.samples` requests for each of `problems` (problem_id, question).

    The samples of a problem follow each other, so that a server reads their prompt once.
    """
    for problem_id, question in problems.select("problem_id", "question").iter_rows():
        messages = [{"role": "user", "content": user_turn(question)}]
        for sample in range(config.samples):
            yield Request(
                problem_id,
                sample,
                messages,
                config.temperature,
                config.top_p,
                config.top_k,
                config.max_tokens,
                seed_of(config.seed, sample, problem_id),
            )


def body_of(request: Request, model: str, limit_field: str) -> dict[str, Any]:
    """The body of its POST. What would change nothing is left out: not every server knows it."""
    body: dict[str, Any] = {
        "model": model,
        "messages": request.messages,
        "temperature": request.temperature,
        limit_field: request.max_tokens,
        "seed": request.seed,
    }
    if request.top_p < 1:
        body["top_p"] = request.top_p
    if request.top_k:
        body["top_k"] = request.top_k  # not OpenAI's; vLLM, SGLang and llama.cpp know it
    return body
