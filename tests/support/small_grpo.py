"""One GRPO run at the smallest size, for tests that look at what it leaves."""

import os
from pathlib import Path
from typing import Any

import pytest
from tunix.rl import common

from data.sources.samples import word_problems
from data.store.store import add, open_store
from pipeline.batches.examples import Prompt
from pipeline.config import GrpoConfig
from pipeline.generate import Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.train import grpo
from pipeline.train.metrics import StoreMetrics, TrainingRun
from tests.support.store_rows import rows_of

CONFIG = GrpoConfig(
    steps=3,
    prompts=2,
    group=4,
    max_prompt_tokens=128,
    max_tokens=48,
    micro_batch=1,  # a step is trained in two pieces, and sampled and noted as one
    evaluate_every=1,
    lora_rank=4,
    learning_rate=1e-2,
)
HELDOUT = {0: 0.4, 1: 0.5, 2: 0.9, 3: 0.6}  # answer accuracy that the measure below reports


def relative(path: Path) -> Path:
    """The same place as a person may name it; Orbax takes absolute paths only."""
    return Path(os.path.relpath(path))


def run_of_three_steps(cold: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the run `grpo-test` left in its store and on disk under `folder`.

    cold: the start, of the fixture of that name
    """
    store = open_store(folder / "store")
    start = gemma3.load(str(cold["merged"]))
    tokenizer = Tokenizer(start.folder)
    examples = list(word_problems.problems(6, 3, "train"))
    ids = [f"p{n}" for n in range(len(examples))]
    golds = [problem.gold for problem in examples]
    add(store, "problems", rows_of("problems", problem_id=ids, gold=golds), run="convert-test")
    problems = [
        Prompt(problem_id, prompt_text(tokenizer, problem.question), problem.gold)
        for problem_id, problem in zip(ids, examples, strict=True)
    ]
    metrics = StoreMetrics(store, "grpo-test")
    measured = iter(HELDOUT.values())
    written: list[list[str]] = []

    def measure(generate):
        completions = generate([problem.prompt for problem in problems[:2]], 0)
        written.append([completion.text for completion in completions])
        return next(measured)

    rows: list[tuple[int, float]] = []

    def whole_logits(*arguments, **settings):
        raise AssertionError("scores of Tunix's own, which hold the logits of whole completions")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common, "compute_per_token_logps", whole_logits)
        best = grpo.train(
            start,
            problems,
            tokenizer,
            CONFIG,
            grpo.Heldout(
                measure=measure,
                count=2,
                # of the shapes of a step, whose programs are compiled already
                sampling=Sampling(max_prompt_tokens=128, max_tokens=48),
                batch=8,
                on_checkpoint=lambda step, answer: rows.append((step, answer)),
            ),
            TrainingRun(relative(folder), metrics, progress=lambda *shown: None),
        )
    return {
        "store": store,
        "merged": best.merged,
        "step": best.step,
        "kept": rows,
        "folder": folder,
        "written": written,
        "tokenizer": tokenizer,
        "from": cold["merged"],
    }
