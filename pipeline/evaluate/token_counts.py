"""What a training run would really see of each example, with the model's own tokenizer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from data.response_format import render
from data.store import Store, add, ask, runs
from pipeline.job import examples_of
from pipeline.model import Tokenizer, Tokens, example_tokens, prompt_text
from pipeline.train import Example, Progress

PARTS = ("prompt", "reasoning", "answer", "answer_end")
SHOW_EVERY = 50  # examples


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


def tokenizer_id(name: str, tokenizer: Tokenizer, folder: Path) -> str:
    """`name` with the hash of what decides its tokens: the folder's tokenizer and the template."""
    content = (folder / "tokenizer.json").read_bytes()
    content += prompt_text(tokenizer, "?").encode() + render("?", "?").encode()
    return f"{name}@{hashlib.sha256(content).hexdigest()[:12]}"


def count(
    store: Store, source: str, converter: str, name: str, folder: Path, progress: Progress
) -> str:
    """Count the tokens of every example of a conversion that are not counted; the tokenizer's id.

    Rows of the table `tokens`. name: of the model in `folder`, as a person gave it
    """
    tokenizer = Tokenizer(folder)
    id = tokenizer_id(name, tokenizer, folder)
    counted = ask(
        store,
        "select example_id from tokens where converter = $converter and tokenizer = $id",
        converter=converter,
        id=id,
    )["example_id"]
    records = ask(
        store,
        """
        select distinct example_id, record_id from examples
        where source = $source and converter = $converter
        """,
        source=source,
        converter=converter,
    )
    known = set(counted)
    fresh = [e for e in examples_of(store, source, converter) if e.example_id not in known]
    if not fresh:
        return id
    digest = runs.fingerprint(examples=sorted(e.example_id for e in fresh), tokenizer=id)
    run = f"tokens-{source}-{digest[:12]}"
    config = {"source": source, "converter": converter, "tokenizer": id}
    try:
        runs.begin(store, "tokens", run=run, config=config, seed=None, inputs={"examples": digest})
    except runs.RunExists:  # another process has just counted these very examples
        return id
    with runs.told_of(store, run):
        rows = frame(tokenizer, fresh, progress).join(records, on="example_id")
        named = {"source": source, "converter": converter, "tokenizer": id}
        add(
            store,
            "tokens",
            rows.with_columns(pl.lit(value).alias(column) for column, value in named.items()),
            run=run,
            once=digest,
        )
    runs.end(store, run, "done", {"examples": len(fresh)})
    return id
