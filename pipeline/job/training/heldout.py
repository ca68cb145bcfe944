"""The train problems that are held out, to choose the best step of DPO and of GRPO.

They are the same for both stages and for every subset, so accuracies can be compared.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from evals.statistics import wilson
from pipeline.config import Preset
from pipeline.evaluate import Fitting
from pipeline.generate import Sampling
from pipeline.job import Checkpoint, Job, path_in_store, record_checkpoint, sampling_of
from pipeline.train import Best, Heldout
from pipeline.train.rewards import judge


@dataclass(frozen=True)
class HeldOut:
    """How the held-out problems are answered during training."""

    sampling: Sampling
    batch: int

    def as_json(self) -> dict[str, Any]:
        """What it adds to the configuration of a run."""
        return {"heldout_sampling": self.sampling.as_json(), "heldout_batch": self.batch}


def held_out(preset: Preset) -> HeldOut:
    """Held-out problems are chosen among those that fit into the prompts of GRPO."""
    sampling = replace(sampling_of(preset.eval), max_prompt_tokens=preset.grpo.max_prompt_tokens)
    return HeldOut(sampling, min(preset.eval.batch, preset.data.heldout))


def heldout_of(preset: Preset, fit: Fitting) -> pl.DataFrame:
    """The held-out problems: the first of all train problems whose prompts fit.

    fit: of all train problems, and of the longest prompt that `held_out` has
    """
    return fit.problems.head(preset.data.heldout)


def measured_by(job: Job, run: str, stage: str, problems: pl.DataFrame, how: HeldOut) -> Heldout:
    """What training measures; each measured step is a checkpoint of `run` in the store."""

    def on_checkpoint(step: int, answer: float) -> None:
        folder = job.folder / run / "adapters" / str(step)
        record_checkpoint(job.store, _checkpoint(run, stage, step, folder, answer, problems))

    return Heldout(
        measure=lambda generate: answer_accuracy(problems, generate),
        count=problems.height,
        sampling=how.sampling,
        batch=how.batch,
        on_checkpoint=on_checkpoint,
    )


def record_best(
    job: Job, run: str, stage: str, best: Best, problems: pl.DataFrame
) -> dict[str, Any]:
    """Record the best step as the model of `run`; its entries in the summary."""
    checkpoint = _checkpoint(run, stage, best.step, best.merged, best.answer, problems)
    record_checkpoint(job.store, replace(checkpoint, best=True))
    n = problems.height
    return {
        "model": path_in_store(job.store, best.merged),
        "best_step": best.step,
        "averaged": best.averaged,
        "heldout_answer": asdict(wilson(round(best.answer * n), n)),
        "signs": best.signs,
        "stopped_at": best.stopped_at,
    }


def _checkpoint(
    run: str, stage: str, step: int, folder: Path, answer: float, problems: pl.DataFrame
) -> Checkpoint:
    return Checkpoint(
        run=run, stage=stage, step=step, folder=folder, metric=answer, metric_n=problems.height
    )


def answer_accuracy(problems: pl.DataFrame, generate: Any) -> float:
    """Share of `problems` (prompt, gold) answered correctly, by the grader of the rewards."""
    completions = generate(problems["prompt"].to_list(), 0)
    correct = [
        judge(completion.text, gold).correct is True
        for completion, gold in zip(completions, problems["gold"], strict=True)
    ]
    return sum(correct) / len(correct)
