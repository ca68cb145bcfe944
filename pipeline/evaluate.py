"""Evaluation: k completions per problem, graded, stored as they finish."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from data.store import Store, add, add_generations
from evals.grading import graded
from pipeline.rollout import Generate, Sampling
from pipeline.seeds import seed_of
from pipeline.tokens import Tokenizer, prompt_text

Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Fitting:
    """Problems whose prompts fit, and the ids of those left out because they do not."""

    problems: pl.DataFrame
    too_long: list[str]


def fitting(problems: pl.DataFrame, tokenizer: Tokenizer, max_prompt_tokens: int) -> Fitting:
    """`problems` with a column `prompt`, the whole text before the completion.

    A longer prompt would make Tunix's sampler jump to the next power of two, or crash.
    """
    prompts = [prompt_text(tokenizer, question) for question in problems["question"]]
    lengths = [len(tokenizer.encode(prompt)) for prompt in prompts]
    fits = pl.Series(lengths, dtype=pl.Int64) <= max_prompt_tokens
    with_prompts = problems.with_columns(pl.Series("prompt", prompts, dtype=pl.String))
    return Fitting(with_prompts.filter(fits), problems.filter(~fits)["problem_id"].to_list())


def evaluate(
    problems: pl.DataFrame,
    generate: Generate,
    sampling: Sampling,
    *,
    run: str,
    stage: str,
    samples: int,
    seed: int,
) -> pl.DataFrame:
    """Generations of `problems` (problem_id, prompt, gold), `samples` each, in the store's schema.

    The same seed gives the same texts. Each sample has a seed of its own, so that no two seeds
    share samples; it is stored with the text.
    """
    frames = []
    for sample in range(samples):
        own = seed_of(seed, sample, problems["problem_id"][0])
        completions = generate(problems["prompt"].to_list(), own)
        frames.append(
            pl.DataFrame(
                {
                    "generation_id": [
                        f"{problem}:{sample:03d}:{run}" for problem in problems["problem_id"]
                    ],
                    "run": run,
                    "stage": stage,
                    "problem_id": problems["problem_id"],
                    "sample": pl.Series([sample] * len(completions), dtype=pl.Int32),
                    "text": [completion.text for completion in completions],
                    "tokens": pl.Series([len(c.ids) for c in completions], dtype=pl.Int32),
                    "finish": [completion.finish for completion in completions],
                    "seed": pl.Series([own] * len(completions), dtype=pl.Int64),
                    "settings": json.dumps(sampling.as_json(), sort_keys=True),
                    "label": pl.Series([None] * len(completions), dtype=pl.Boolean),
                    "gold": problems["gold"],
                }
            )
        )
    return pl.concat(frames)


def store_evaluation(
    store: Store,
    problems: pl.DataFrame,
    generate: Generate,
    sampling: Sampling,
    *,
    run: str,
    stage: str,
    samples: int,
    seed: int,
    graders: tuple[str, ...],
    chunk: int,
    progress: Progress,
) -> int:
    """Evaluate `problems`, `chunk` at a time, and store each chunk as it is done.

    Every text is graded by each of `graders`; returns the number of generations.
    """
    done, total = 0, problems.height * samples
    right: list[bool] = []
    for start in range(0, problems.height, chunk):
        part = problems.slice(start, chunk)
        generations = evaluate(
            part, generate, sampling, run=run, stage=stage, samples=samples, seed=seed
        )
        first, *others = [graded(generations, name) for name in graders]
        add_generations(store, generations.drop("gold"), first, run=run, stage=stage)
        for scores in others:
            add(store, "scores", scores, run=run, stage=stage)
        done += generations.height
        right += first["correct"].drop_nulls().to_list()
        progress(done, total, {"answer": sum(right) / len(right)} if right else {})
    return done
