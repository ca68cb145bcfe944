"""What an engine is asked for and what it gives back. No engine's own words: any can stand here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from data.errors import UserError

COLDEST, WARMEST = 1e-4, 1e4  # temperatures that float32 tells from 0 and from infinity


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
        for name, fits, wanted in (
            (
                "temperature",
                self.temperature == 0 or COLDEST <= self.temperature <= WARMEST,
                f"0 (greedy) or between {COLDEST} and {WARMEST}",
            ),
            ("top_k", self.top_k >= 0, "0 (all tokens) or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "between 0 and 1"),
            ("max_prompt_tokens", self.max_prompt_tokens >= 1, "at least 1"),
            ("max_tokens", self.max_tokens >= 1, "at least 1"),
        ):
            if not fits:
                raise UserError(f"{name} must be {wanted}, got {getattr(self, name)}")

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One completion that is wanted. The same request gives the same tokens, whoever asks beside.

    prompt:   the whole text before the completion, template included
    seed:     0 to 2**64 - 1; greedy requests do not read it
    logprobs: whether the log-probability of each token is wanted
    """

    prompt: str
    sampling: Sampling
    seed: int = 0
    logprobs: bool = False


@dataclass(frozen=True)
class Completion:
    """text without the stop token; ids with it, so that stopping can be trained.

    ids:      [time]  int32
    finish:   stop (the model ended by itself) or length (it was cut off)
    logprobs: [time]  float32, nats, under the model at the request's temperature (greedy: 1),
              before top-k, top-p and min-p; None where not asked for
    """

    text: str
    ids: np.ndarray
    finish: str
    logprobs: np.ndarray | None = None


# Requests go in; completions come out as they finish, each with the place of its request.
Finished = tuple[int, Completion]
GenerateRequests = Callable[[Sequence[Request]], Iterator[Finished]]
