"""Requests to a server: one for each sample of a problem, each with its own seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.response_format import user_turn
from pipeline.config import EvalConfig
from pipeline.generate import seed_of


@dataclass(frozen=True)
class Request:
    """A request for one completion. top_k 0 and top_p 1 do not change the distribution.

    messages: chat turns, which the server puts into its model's chat template
    seed:     None for a server that refuses one
    prompt:   instead of messages, the whole text before the completion, template included
    """

    problem_id: str
    sample: int
    messages: list[dict[str, str]]
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int | None
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

    The samples of one problem are consecutive, so a server with a prefix cache reads their prompt
    once.
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
    """The JSON body of the POST.

    Settings that change nothing are omitted, because not every server accepts them.
    """
    content: dict[str, Any] = {"messages": request.messages, limit_field: request.max_tokens}
    if request.prompt is not None:
        content = {"prompt": request.prompt, "max_tokens": request.max_tokens}
        # The prompt's template already holds the special tokens that a server would add.
        content["add_special_tokens"] = False  # not in OpenAI's API; vLLM and SGLang accept it
    body: dict[str, Any] = {
        "model": model,
        **content,
        "temperature": request.temperature,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top_p < 1:
        body["top_p"] = request.top_p
    if request.top_k:  # not in OpenAI's API; vLLM, SGLang and llama.cpp accept it
        body["top_k"] = request.top_k
    return body
