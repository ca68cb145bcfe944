"""The rows that training reads: examples of SFT, pairs of DPO, problems of GRPO. Light."""

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


@dataclass(frozen=True)
class PreferencePair:
    """One pair of DPO: two answers to one question, of which `chosen` is correct.

    rejected_ended: whether the model ended the rejected answer itself, so that it was not cut off
    """

    question: str
    chosen: str
    rejected: str
    rejected_ended: bool
