"""The rows that training reads: examples of SFT, problems of GRPO. Light: no training library."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One example of SFT: a row of the table `examples`."""

    example_id: str
    prompt: str
    reasoning: str
    answer: str


@dataclass(frozen=True)
class Prompt:
    """One problem of GRPO. prompt: the whole text before the completion, template included"""

    problem_id: str
    prompt: str
    gold: str
