"""What a server is asked: one request for each sample of a problem, with a seed of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.response_format import user_turn
from pipeline.config import EvalConfig
from pipeline.generate import seed_of


@dataclass(frozen=True)
class Request:
    """One completion that is wanted. top_k 0 and top_p 1 leave the distribution whole.

    messages: turns, which the server puts into its model's chat template
    prompt: instead of them, the whole text before the completion, template included
    """

    problem_id: str
    sample: int
    messages: list[dict[str, str]]
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int
    prompt: str | None = None

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
    asked: dict[str, Any] = {"messages": request.messages, limit_field: request.max_tokens}
    if request.prompt is not None:  # its template holds the special tokens that a server would add
        asked = {"prompt": request.prompt, "max_tokens": request.max_tokens}
        asked["add_special_tokens"] = False  # not OpenAI's; vLLM and SGLang know it
    body: dict[str, Any] = {
        "model": model,
        **asked,
        "temperature": request.temperature,
        "seed": request.seed,
    }
    if request.top_p < 1:
        body["top_p"] = request.top_p
    if request.top_k:
        body["top_k"] = request.top_k  # not OpenAI's; vLLM, SGLang and llama.cpp know it
    return body
