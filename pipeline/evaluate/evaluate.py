"""Evaluation: k completions per problem, stored as they finish, then graded by every grader."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from evals.scores import grade_missing
from pipeline import distributed
from pipeline.config import GRADERS
from pipeline.evaluate.answers import Evaluation, Kept, Progress, keep_lacking
from pipeline.evaluate.outcomes import Answer
from pipeline.generate import GenerateRequests, Request, Sampling, seed_of
from pipeline.model import Tokenizer, prompt_text
from pipeline.stopping import Stop


@dataclass(frozen=True)
class Fitting:
    """Problems whose prompts fit, and the ids of those left out because they do not."""

    problems: pl.DataFrame
    too_long: list[str]


def fitting(problems: pl.DataFrame, tokenizer: Tokenizer, max_prompt_tokens: int) -> Fitting:
    """`problems` with a column `prompt`, the whole text before the completion.

    The engine refuses a longer prompt.
    """
    prompts = [prompt_text(tokenizer, question) for question in problems["question"]]
    lengths = [len(tokenizer.encode(prompt)) for prompt in prompts]
    fits = pl.Series(lengths, dtype=pl.Int64) <= max_prompt_tokens
    with_prompts = problems.with_columns(pl.Series("prompt", prompts, dtype=pl.String))
    return Fitting(with_prompts.filter(fits), problems.filter(~fits)["problem_id"].to_list())


@dataclass(frozen=True)
class Sample:
    """One sample of a problem, and the request that makes it."""

    problem_id: str
    sample: int
    request: Request

    @property
    def seed(self) -> int:
        return self.request.seed

    @property
    def settings(self) -> dict[str, Any]:
        return self.request.sampling.as_json()


def samples_of(problems: pl.DataFrame, sampling: Sampling, samples: int, seed: int) -> list[Sample]:
    """`samples` of each of `problems` (problem_id, prompt), each with a seed of its own.

    The samples of a problem follow each other. What one of them will be depends on no other, so
    that an evaluation that was broken off goes on with the same texts.
    """
    return [
        Sample(
            problem_id,
            sample,
            Request(prompt=prompt, sampling=sampling, seed=seed_of(seed, sample, problem_id)),
        )
        for problem_id, prompt in problems.select("problem_id", "prompt").iter_rows()
        for sample in range(samples)
    ]


def store_evaluation(
    asked: Evaluation,
    generate: GenerateRequests,
    sampling: Sampling,
    *,
    samples: int,
    seed: int,
    progress: Progress,
    stop: Stop | None = None,
) -> Kept:
    """Store what the run lacks of `samples` for each problem; then every grader's verdicts.

    asked: its problems have the columns problem_id, prompt, gold
    """

    def complete(lacking: list[Sample], asked_to_stop: Callable[[], bool]) -> Iterator[Answer]:
        for place, found in generate([one.request for one in lacking]):
            yield Answer(lacking[place], found.text, len(found.ids), found.finish)
            if asked_to_stop():
                return

    every = samples_of(asked.problems.kept, sampling, samples, seed)
    kept = keep_lacking(asked, every, complete, progress, stop or Stop(), distributed.in_all)
    for grader in GRADERS:
        grade_missing(asked.store, asked.run, grader)
    return kept
