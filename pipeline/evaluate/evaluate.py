"""Evaluation: k completions per problem, stored as they finish, then graded by every grader."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from data.progress import Progress
from data.store import Store, ask
from evals.scores import grade_missing
from pipeline import distributed
from pipeline.config import GRADERS
from pipeline.evaluate.answers import Answer, Evaluation, Tally, complete_missing
from pipeline.generate import GenerateRequests, Request, Sampling, seed_of
from pipeline.model import Tokenizer, prompt_text
from pipeline.stopping import Stop


@dataclass(frozen=True)
class Fitting:
    """Problems whose prompts fit, and the ids of those whose prompts are too long."""

    problems: pl.DataFrame
    too_long: list[str]


def fitting(problems: pl.DataFrame, tokenizer: Tokenizer, max_prompt_tokens: int) -> Fitting:
    """`problems` with a column `prompt`: the whole text before the completion.

    Prompts that are too long are left out, because the engine refuses them.
    """
    prompts = [prompt_text(tokenizer, question) for question in problems["question"]]
    lengths = [len(tokenizer.encode(prompt)) for prompt in prompts]
    fits = pl.Series(lengths, dtype=pl.Int64) <= max_prompt_tokens
    with_prompts = problems.with_columns(pl.Series("prompt", prompts, dtype=pl.String))
    return Fitting(with_prompts.filter(fits), problems.filter(~fits)["problem_id"].to_list())


@dataclass(frozen=True)
class Sample:
    """One sample of a problem, and the request that generates it."""

    problem_id: str
    sample: int
    request: Request

    @property
    def seed(self) -> int:
        return self.request.seed

    @property
    def settings(self) -> dict[str, Any]:
        return self.request.sampling.as_json()


def earlier_lengths(store: Store) -> dict[str, int]:
    """Tokens of the answers to each problem so far, on average: whatever model gave them.

    A problem that needs many steps needs them again, so its answer is begun early. Processes that
    generate together may know different lengths, so they use none.
    """
    if distributed.several():
        return {}
    rows = ask(
        store,
        "select problem_id, cast(round(avg(tokens)) as integer) as tokens from generations"
        " where tokens is not null and problem_id is not null group by problem_id",
    )
    return dict(rows.iter_rows())


def samples_of(
    problems: pl.DataFrame,
    sampling: Sampling,
    samples: int,
    seed: int,
    lengths: Mapping[str, int] = MappingProxyType({}),
) -> list[Sample]:
    """`samples` of each of `problems` (problem_id, prompt), each with its own seed.

    lengths: tokens that an answer may have, by problem_id, where known

    The samples of one problem are consecutive. No sample depends on another, so a resumed
    evaluation generates the same texts as one that was never interrupted.
    """
    return [
        Sample(
            problem_id,
            sample,
            Request(
                prompt=prompt,
                sampling=sampling,
                seed=seed_of(seed, sample, problem_id),
                expected_tokens=lengths.get(problem_id, 0),
            ),
        )
        for problem_id, prompt in problems.select("problem_id", "prompt").iter_rows()
        for sample in range(samples)
    ]


def store_evaluation(
    evaluation: Evaluation,
    generate: GenerateRequests,
    sampling: Sampling,
    *,
    samples: int,
    seed: int,
    progress: Progress,
    stop: Stop | None = None,
) -> Tally:
    """Generate and store the samples that the run lacks, then grade them with every grader.

    evaluation: its problems have the columns problem_id, prompt, gold
    """

    def complete(missing: list[Sample], should_stop: Callable[[], bool]) -> Iterator[Answer]:
        for position, completion in generate([one.request for one in missing], should_stop):
            yield Answer(missing[position], completion.text, len(completion.ids), completion.finish)

    lengths = earlier_lengths(evaluation.store)
    requests = samples_of(evaluation.problems.usable, sampling, samples, seed, lengths)
    tally = complete_missing(
        evaluation, requests, complete, progress, stop or Stop(), distributed.in_all
    )
    for grader in GRADERS:
        grade_missing(evaluation.store, evaluation.run, grader)
    return tally
