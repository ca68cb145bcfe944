"""Requests to an engine and the completions it returns. Any engine can implement them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np

from data.errors import UserError

# Temperatures below or above these are 0 or infinity to float32.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 1e-4, 1e4


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """temperature 0 is greedy; top_k 0, top_p 1 and min_p 0 leave the distribution whole."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    max_prompt_tokens: int = 256
    max_tokens: int = 768

    def __post_init__(self) -> None:
        for name, valid, expected in (
            (
                "temperature",
                self.temperature == 0
                or LOWEST_TEMPERATURE <= self.temperature <= HIGHEST_TEMPERATURE,
                f"0 (greedy) or between {LOWEST_TEMPERATURE} and {HIGHEST_TEMPERATURE}",
            ),
            ("top_k", self.top_k >= 0, "0 (all tokens) or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "between 0 and 1"),
            ("max_prompt_tokens", self.max_prompt_tokens >= 1, "at least 1"),
            ("max_tokens", self.max_tokens >= 1, "at least 1"),
        ):
            if not valid:
                raise UserError(f"{name} must be {expected}, got {getattr(self, name)}")

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One completion to generate. Equal requests give equal tokens, in whatever batch they are.

    prompt:          the whole text before the completion, template included
    seed:            0 to 2**64 - 1; not read by greedy requests
    logprobs:        whether to return the log-probability of each token
    expected_tokens: length that the completion may have, from what is known; 0: unknown. The
                     longest are begun first, so that none is left alone at the end
    """

    prompt: str
    sampling: Sampling
    seed: int = 0
    logprobs: bool = False
    expected_tokens: int = 0


@dataclass(frozen=True)
class Completion:
    """text without the stop token; ids with it, so that stopping can be trained.

    ids:      [time]  int32
    finish:   stop (the model ended the text), length (it was cut off) or "" (it is being written)
    logprobs: [time]  float32, nats, under the model at the request's temperature (greedy: 1),
              before top-k, top-p and min-p; None unless requested
    """

    text: str
    ids: np.ndarray
    finish: str
    logprobs: np.ndarray | None = None


Finished = tuple[int, Completion]  # with the index of its request


def never() -> bool:
    return False


class GenerateRequests(Protocol):
    """Requests go in; completions come out as they finish, until `should_stop` returns True."""

    def __call__(
        self, requests: Sequence[Request], should_stop: Callable[[], bool] = never
    ) -> Iterator[Finished]: ...


def seed_of(seed: int, sample: int, problem: str) -> int:
    """The seed of sample number `sample` of `problem`, below 2**31; always the same.

    problem: identifies the problem, such as its id or its prompt
    """
    digest = hashlib.sha256(f"{seed} {sample} {problem}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
