"""Interrupted training resumes: the same weights bit for bit, and every row once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optax
import pytest
from flax import nnx
from safetensors.numpy import load_file

from data.errors import UserError
from data.sources.samples import word_problems
from data.store.store import Store, ask, open_store
from evals.graders import Score
from pipeline.batches.curriculum import ProblemChoice
from pipeline.batches.examples import Prompt
from pipeline.checkpoint.resume import TrainingState
from pipeline.generate import Sampling
from pipeline.model import TINY, gemma3
from pipeline.model.lora import add_adapters
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.stopping import Stop, TimeIsUp
from pipeline.train import grpo, sft
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.rewards import parts
from tests.support import small_grpo

# of the shapes of `trained`, whose programs are compiled already
CONFIG = replace(
    small_grpo.CONFIG, steps=4, evaluate_every=2, checkpoint_every=2, guard="off",
    updates=2, resample=1, curriculum=4.0, average=2,
)  # fmt: skip


class Interrupting(Stop):
    """Interrupts a run after some steps: with a checkpoint or, as SIGKILL does, without one."""

    def __init__(self, steps: int, saves: bool) -> None:
        super().__init__()
        self.left, self.saves = steps, saves

    def should_leave(self) -> bool:
        self.left -= 1
        if self.left == 0 and not self.saves:
            raise RuntimeError("killed")
        return self.left == 0


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "merged" / "model.safetensors")


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def metrics_of(store: Store, run: str) -> list[tuple]:
    query = "select name, step, value from metrics where run = $run order by all"
    return ask(store, query, run=run).rows()


def test_sft_resumes_as_if_it_had_never_stopped(cold, few, tmp_path):
    store = open_store(tmp_path / "store")
    config = replace(cold["config"], steps=5, checkpoint_every=3)

    def train(folder: str, stop: Stop) -> None:
        sft.train(
            gemma3.load(str(few)), cold["rows"], Tokenizer(TINY), config,
            TrainingRun(
                tmp_path / folder, StoreMetrics(store, folder), lambda *shown: None, stop
            ),
        )  # fmt: skip

    train("alone", Stop())
    with pytest.raises(TimeIsUp):
        train("interrupted", Interrupting(2, saves=True))
    with pytest.raises(RuntimeError, match="killed"):
        train("interrupted", Interrupting(3, saves=False))
    train("interrupted", Stop())
    assert same(weights(tmp_path / "alone"), weights(tmp_path / "interrupted"))
    assert metrics_of(store, "alone") == metrics_of(store, "interrupted")
    assert len(metrics_of(store, "alone")) == 3 * config.steps
    train("interrupted", Stop())  # once more changes nothing


@pytest.fixture
def adapted(few) -> tuple[nnx.Module, nnx.Optimizer]:
    """A model with adapters and an optimizer of these."""
    loaded = gemma3.load(str(few))
    model = add_adapters(loaded.model, rank=2, alpha=2.0, seed=0, mesh=loaded.mesh)
    return model, nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.LoRAParam)


def test_a_checkpoint_that_lacks_a_new_knob_is_restored_and_one_of_other_values_is_not(
    adapted, tmp_path
):
    model, optimizer = adapted

    def state(**config) -> TrainingState:
        return TrainingState(tmp_path / "state", {"config": config, "examples": "e"})

    started = state(steps=5)
    started.save(3, model, optimizer, {"step": 3})
    started.close()
    assert state(steps=5, new_knob=1).restore(model, optimizer) == {"step": 3}
    for other in ({"steps": 6}, {"new_knob": 1}):
        with pytest.raises(UserError, match=r"config\.steps was 5 and is"):
            state(**other).restore(model, optimizer)


def test_a_checkpoint_in_another_format_is_refused_and_stays(adapted, tmp_path):
    model, optimizer = adapted
    state = TrainingState(tmp_path / "state", {"seed": 0})
    state.save(3, model, optimizer, {"step": 3})
    written = tmp_path / "state" / "3" / "progress"
    written.rename(written.with_name("place"))
    with pytest.raises(UserError, match=r"holds arrays, place; expected arrays, progress: "):
        state.restore(model, optimizer)
    state.close()
    assert written.with_name("place").is_dir()


@pytest.fixture
def problems() -> list[Prompt]:
    tokenizer = Tokenizer(TINY)
    return [
        Prompt(f"p{n}", prompt_text(tokenizer, problem.question), problem.gold)
        for n, problem in enumerate(word_problems.problems(6, 3, "train"))
    ]


def by_length(text: str, gold: str) -> Score:
    """So that some problems are solved more often than others: the model is nearly always wrong."""
    correct = len(text) % 3 != int(gold) % 3
    return Score(format=True, extracted=None, correct=correct, partial=correct)


@pytest.fixture
def train_grpo(cold, tmp_path, problems, monkeypatch) -> Callable[[str, Stop], grpo.Best]:
    monkeypatch.setattr(parts, "judge", by_length)
    store, start = open_store(tmp_path / "store"), str(cold["merged"])
    tokenizer = Tokenizer(TINY)

    def train(folder: str, stop: Stop) -> grpo.Best:
        def measure(generate) -> float:
            completions = generate([problem.prompt for problem in problems[:2]], 0)
            return len(completions[0].ids) / 100

        return grpo.train(
            gemma3.load(start), problems, tokenizer, CONFIG,
            grpo.Heldout(
                measure, 2, Sampling(max_prompt_tokens=128, max_tokens=48), 8,
                lambda step, answer: None,
            ),
            TrainingRun(
                tmp_path / folder, StoreMetrics(store, folder), lambda *shown: None, stop
            ),
        )  # fmt: skip

    return train


def test_grpo_resumes_as_if_it_had_never_stopped(train_grpo, problems, tmp_path):
    alone = train_grpo("alone", Stop())
    with pytest.raises(RuntimeError, match="killed"):
        train_grpo("interrupted", Interrupting(3, saves=False))
    interrupted = train_grpo("interrupted", Stop())
    assert replace(interrupted, merged=alone.merged) == alone
    assert same(weights(tmp_path / "alone"), weights(tmp_path / "interrupted"))
    store = open_store(tmp_path / "store")
    assert metrics_of(store, "alone") == metrics_of(store, "interrupted")
    rollouts = (
        "select * exclude (run) from sampled_rollouts where run = $run"
        ' order by step, "group", attempt, sample'
    )
    rows = [ask(store, rollouts, run=run).rows() for run in ("alone", "interrupted")]
    assert repr(rows[0]) == repr(rows[1])  # nan is not equal to itself
    first_tries = ask(
        store,
        """
        select distinct step, "group", problem_id from sampled_rollouts
        where run = 'alone' and attempt = 0 order by step, "group"
        """,
    ).partition_by("step")
    uninformed = ProblemChoice(problems, CONFIG.seed, CONFIG.curriculum)
    drawn = [[p.problem_id for p in uninformed.draw(2, step, 0)] for step in range(1, 5)]
    sampled = [step["problem_id"].to_list() for step in first_tries]
    assert sampled[0] == drawn[0]
    assert sampled[2:] != drawn[2:]  # so that a resumed run must know what the first steps taught
    assert alone.averaged in ([], [2, 4])
    assert "heldout/answer_of_mean" in {name for name, *_ in metrics_of(store, "alone")}
    assert len(rows[0]) > CONFIG.steps * CONFIG.prompts * CONFIG.group  # some groups twice
