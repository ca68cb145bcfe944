"""What a training run would really see of each example, with the model's own tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from data.format import render
from evals.statistics import wilson
from pipeline.sft import Example, Progress
from pipeline.tokens import Tokenizer, Tokens, example_tokens, prompt_text

PARTS = ("prompt", "reasoning", "answer", "answer_end")
SHOW_EVERY = 50  # examples
BUDGETS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)  # longest example [tokens]


@dataclass(frozen=True)
class Seen:
    """One example, counted in tokens.

    answer_end: so many hold all up to and with </answer>; the stop token is one more
    mask_is_exact: the loss counts the completion and its stop token, and nothing else
    """

    example_id: str
    prompt: int
    reasoning: int
    answer: int
    answer_end: int
    mask_is_exact: bool


def seen(tokenizer: Tokenizer, example: Example) -> Seen:
    """How `example` looks to the trainer."""
    tokens = example_tokens(tokenizer, example.prompt, example.reasoning, example.answer)
    return Seen(
        example_id=example.example_id,
        prompt=int((~tokens.completion).sum()),
        reasoning=len(tokenizer.encode(example.reasoning)),
        answer=len(tokenizer.encode(example.answer)),
        answer_end=len(tokens.ids) - 1,
        mask_is_exact=mask_is_exact(tokenizer, example, tokens),
    )


def mask_is_exact(tokenizer: Tokenizer, example: Example, tokens: Tokens) -> bool:
    """Whether the masked tokens spell the completion and end the turn, and the rest the prompt."""
    inside, outside = tokens.ids[tokens.completion], tokens.ids[~tokens.completion]
    edges = np.flatnonzero(np.diff(tokens.completion.astype(np.int8)))
    return (
        len(edges) == 1
        and inside[-1] == tokenizer.turn_end()
        and tokenizer.decode(inside[:-1]) == render(example.reasoning, example.answer)
        and tokenizer.decode(outside) == prompt_text(tokenizer, example.prompt)
    )


def frame(
    tokenizer: Tokenizer, examples: Sequence[Example], progress: Progress | None = None
) -> pl.DataFrame:
    """A row for each example: the columns of `Seen`."""
    rows = []
    for example in examples:
        rows.append(vars(seen(tokenizer, example)))
        if progress and (len(rows) % SHOW_EVERY == 0 or len(rows) == len(examples)):
            progress(len(rows), len(examples), {})
    schema = {
        "example_id": pl.String,
        **dict.fromkeys(PARTS, pl.Int64),
        "mask_is_exact": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema)


def lengths(found: pl.DataFrame) -> dict[str, dict[str, int | None]]:
    """part of an example -> p50, p90, p99 and longest [tokens]; None where there is no example."""
    return {
        part: {
            **{f"p{q}": _whole(found[part].quantile(q / 100, "higher")) for q in (50, 90, 99)},
            "longest": _whole(found[part].max()),
        }
        for part in PARTS
    }


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def survival(found: pl.DataFrame, budgets: Sequence[int] = BUDGETS) -> list[dict[str, Any]]:
    """For each budget the share of examples whose </answer> is within it, with its interval.

    Longer ones are left out of training, never cut: cut, they would teach never to answer.
    """
    return [
        {
            "budget": budget,
            **wilson(int((found["answer_end"] <= budget).sum()), found.height).to_json(),
        }
        for budget in budgets
    ]
