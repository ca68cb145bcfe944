"""Tokens of each training example, as the trainer sees them: with the model's own tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from data.progress import Progress
from data.response_format import render
from data.store import Store, add, ask, runs
from evals.audit import tokenizer_with
from pipeline.batches import Example
from pipeline.model import Tokenizer, Tokens, example_tokens, prompt_text, tokenizer_hash

PARTS = ("prompt", "reasoning", "answer", "answer_end")
PROGRESS_EVERY = 50  # examples


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of one example.

    answer_end: tokens up to and including </answer>; the stop token is one more
    mask_is_exact: whether the loss covers the completion and its stop token, and nothing else
    """

    example_id: str
    prompt: int
    reasoning: int
    answer: int
    answer_end: int
    mask_is_exact: bool


def token_counts(tokenizer: Tokenizer, example: Example) -> TokenCounts:
    """The tokens of `example` as the trainer sees them."""
    tokens = example_tokens(tokenizer, example.prompt, example.reasoning, example.answer)
    return TokenCounts(
        example_id=example.example_id,
        prompt=int((~tokens.completion).sum()),
        reasoning=len(tokenizer.encode(example.reasoning)),
        answer=len(tokenizer.encode(example.answer)),
        answer_end=len(tokens.ids) - 1,
        mask_is_exact=mask_is_exact(tokenizer, example, tokens),
    )


def mask_is_exact(tokenizer: Tokenizer, example: Example, tokens: Tokens) -> bool:
    """Whether the loss mask covers exactly the completion and the stop token.

    The masked tokens must decode to the completion, and the tokens before them to the prompt.
    """
    inside, outside = tokens.ids[tokens.completion], tokens.ids[~tokens.completion]
    edges = np.flatnonzero(np.diff(tokens.completion.astype(np.int8)))
    return (
        len(edges) == 1
        and inside[-1] == tokenizer.turn_end()
        and tokenizer.decode(inside[:-1]) == render(example.reasoning, example.answer)
        and tokenizer.decode(outside) == prompt_text(tokenizer, example.prompt)
    )


def token_counts_of(
    tokenizer: Tokenizer, examples: Sequence[Example], progress: Progress | None = None
) -> pl.DataFrame:
    """One row for each example: the columns of `TokenCounts`."""
    rows = []
    for example in examples:
        rows.append(vars(token_counts(tokenizer, example)))
        if progress and (len(rows) % PROGRESS_EVERY == 0 or len(rows) == len(examples)):
            progress(len(rows), len(examples), {})
    schema = {
        "example_id": pl.String,
        **dict.fromkeys(PARTS, pl.Int64),
        "mask_is_exact": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema)


def tokenizer_id(store: Store, name: str, folder: Path) -> str:
    """The name of the tokenizer in `folder`, and its hash; all models that have it share it.

    name: of the model; its tokenizer keeps the name of the first that counted
    """
    digest = tokenizer_hash(folder)
    if Path(name).is_dir():
        name = "/".join(Path(name).resolve().parts[-2:])
    return tokenizer_with(store, digest) or f"{name}@{digest}"


def count_tokens(
    store: Store,
    source: str,
    converter: str,
    examples: Sequence[Example],
    model_name: str,
    folder: Path,
    progress: Progress,
) -> str:
    """Count the tokens of those `examples` that are not counted yet; the tokenizer's id.

    Adds rows to the table `tokens`.

    examples:   of this conversion of `source`
    model_name: of the model in `folder`, as the user gave it
    """
    name = tokenizer_id(store, model_name, folder)
    labels = {"source": source, "converter": converter, "tokenizer": name}
    counted = ask(
        store,
        """
        select example_id from record_tokens
        where source = $source and converter = $converter and tokenizer = $tokenizer
        """,
        source=source,
        converter=converter,
        tokenizer=name,
    )["example_id"]
    counted_ids = set(counted)
    new = [example for example in examples if example.example_id not in counted_ids]
    if not new:
        return name
    digest = runs.fingerprint(examples=sorted(e.example_id for e in new), tokenizer=name)
    run = f"tokens-{source}-{digest[:12]}"
    try:
        runs.begin(store, "tokens", run=run, config=labels, seed=None, inputs={"examples": digest})
    except runs.RunExists:  # another process has just counted the same examples
        return name
    with runs.failures_recorded(store, run):
        rows = token_counts_of(Tokenizer(folder), new, progress)
        rows = rows.join(_record_ids(store, source, converter), on="example_id")
        columns = [pl.lit(value).alias(column) for column, value in labels.items()]
        add(store, "tokens", rows.with_columns(columns), run=run, once=digest)
    runs.end(store, run, "done", {"examples": len(new)})
    return name


def _record_ids(store: Store, source: str, converter: str) -> pl.DataFrame:
    """example_id, record_id: of a conversion's examples."""
    return ask(
        store,
        """
        select example_id, record_id from record_examples
        where source = $source and converter = $converter
        """,
        source=source,
        converter=converter,
    )
