"""Training that is broken off goes on: the same weights bit for bit, and every row once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from data.sources.samples import word_problems
from data.store.store import Store, ask, open_store
from pipeline.batches.examples import Prompt
from pipeline.config import GrpoConfig
from pipeline.generate import Sampling
from pipeline.model import TINY, gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.stopping import Stop, TimeIsUp
from pipeline.train import grpo, sft
from pipeline.train.metrics import StoreMetrics

CONFIG = GrpoConfig(
    steps=4, prompts=2, group=4, max_prompt_tokens=128, max_tokens=16, evaluate_every=2,
    checkpoint_every=2, lora_rank=4, learning_rate=1e-2, guard="off",
)  # fmt: skip


class Impatient(Stop):
    """Breaks a run off after some steps: with a checkpoint, or, as SIGKILL does, without one."""

    def __init__(self, steps: int, kept: bool) -> None:
        super().__init__()
        self.left, self.kept = steps, kept

    def should_leave(self) -> bool:
        self.left -= 1
        if self.left == 0 and not self.kept:
            raise RuntimeError("killed")
        return self.left == 0


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "merged" / "model.safetensors")


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def metrics_of(store: Store, run: str) -> list[tuple]:
    query = "select name, step, value from metrics where run = $run order by all"
    return ask(store, query, run=run).rows()


def test_sft_goes_on_as_if_it_had_never_stopped(cold, few, tmp_path):
    store = open_store(tmp_path / "store")
    config = replace(cold["config"], steps=8, checkpoint_every=3)

    def train(folder: str, stop: Stop) -> None:
        sft.train(
            gemma3.load(str(few)), cold["rows"], Tokenizer(TINY), config,
            folder=tmp_path / folder, metrics=StoreMetrics(store, folder),
            progress=lambda *shown: None, stop=stop,
        )  # fmt: skip

    train("alone", Stop())
    with pytest.raises(TimeIsUp):
        train("broken", Impatient(2, kept=True))
    with pytest.raises(RuntimeError, match="killed"):
        train("broken", Impatient(3, kept=False))
    train("broken", Stop())
    assert same(weights(tmp_path / "alone"), weights(tmp_path / "broken"))
    assert metrics_of(store, "alone") == metrics_of(store, "broken")
    assert len(metrics_of(store, "alone")) == 3 * config.steps
    train("broken", Stop())  # once more changes nothing


@pytest.fixture
def train_grpo(cold, tmp_path) -> Callable[[str, Stop], grpo.Best]:
    store, start = open_store(tmp_path / "store"), str(cold["merged"])
    tokenizer = Tokenizer(TINY)
    problems = [
        Prompt(f"p{n}", prompt_text(tokenizer, made.question), made.gold)
        for n, made in enumerate(word_problems.problems(6, 3, "train"))
    ]

    def train(folder: str, stop: Stop) -> grpo.Best:
        def measure(generate) -> float:
            completions = generate([problem.prompt for problem in problems[:2]], 0)
            return len(completions[0].ids) / 100

        return grpo.train(
            gemma3.load(start), problems, tokenizer, CONFIG, store=store, run=folder,
            measure=measure, heldout_sampling=Sampling(max_prompt_tokens=128, max_tokens=16),
            heldout_batch=2, heldout=2, folder=tmp_path / folder,
            metrics=StoreMetrics(store, folder), progress=lambda *shown: None,
            on_checkpoint=lambda step, answer: None, stop=stop,
        )  # fmt: skip

    return train


def test_grpo_goes_on_as_if_it_had_never_stopped(train_grpo, tmp_path):
    alone = train_grpo("alone", Stop())
    with pytest.raises(RuntimeError, match="killed"):
        train_grpo("broken", Impatient(3, kept=False))
    broken = train_grpo("broken", Stop())
    assert (broken.step, broken.answer) == (alone.step, alone.answer)
    assert same(weights(tmp_path / "alone"), weights(tmp_path / "broken"))
    store = open_store(tmp_path / "store")
    assert metrics_of(store, "alone") == metrics_of(store, "broken")
    rollouts = (
        'select * exclude (run) from rollouts where run = $run order by step, "group", sample'
    )
    rows = [ask(store, rollouts, run=run).rows() for run in ("alone", "broken")]
    assert rows[0] == rows[1]
    assert len(rows[0]) == CONFIG.steps * CONFIG.prompts * CONFIG.group
