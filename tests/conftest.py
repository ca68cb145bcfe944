"""Fixtures that several test files share."""

from pathlib import Path

import pytest

from data import samples
from data.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A new, empty store."""
    return open_store(tmp_path / "store")


@pytest.fixture(scope="session")
def cold(tmp_path_factory):
    """The bundled model after a short cold start: it knows the tags, so that rewards differ.

    merged: its folder   store: with the metrics of its run `sft-test`   steps: as progress told
    """
    from pipeline import models, sft
    from pipeline.config import SftConfig
    from pipeline.metrics import StoreMetrics
    from pipeline.tokens import Tokenizer, example_tokens

    folder = tmp_path_factory.mktemp("cold")
    start, store = models.load("tiny"), open_store(folder / "store")
    tokenizer = Tokenizer(start.folder)
    config = SftConfig(
        steps=40, batch=8, lora_rank=8, learning_rate=5e-3, checkpoint_every=20, max_tokens=160
    )
    made = samples.problems(64, 9, "train")
    rows = [example_tokens(tokenizer, p.question, samples.terse(p), p.gold) for p in made]
    steps: list[int] = []
    merged = sft.train(
        start,
        rows,
        tokenizer,
        config,
        checkpoints=folder / "adapters",
        merged=folder / "merged",
        metrics=StoreMetrics(store, "sft-test"),
        progress=lambda step, of, numbers: steps.append(step),
    )
    return {"folder": folder, "store": store, "merged": merged, "rows": rows, "config": config,
            "steps": steps}  # fmt: skip
