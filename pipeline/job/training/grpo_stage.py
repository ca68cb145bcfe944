"""The GRPO stage: reinforcement learning on the train problems, evaluated on held-out ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from evals.judge import rubric_of
from evals.scores import Problems, hash_of_ids, problems_of_split
from pipeline.batches import Prompt
from pipeline.config import as_json
from pipeline.evaluate import fitting
from pipeline.job import Done, Job, StageSpec, inputs, load_model, stage_run
from pipeline.job.training.heldout import (
    HeldOut,
    held_out,
    heldout_of,
    measured_by,
    record_best,
)
from pipeline.model import Tokenizer, model_folder, name_and_licence
from pipeline.train import TrainingRun, grpo


@dataclass(frozen=True)
class Split:
    """Problems whose prompts fit: those to train on, and those held out.

    train, heldout: problem_id, question, gold, steps, prompt
    """

    train: pl.DataFrame
    heldout: pl.DataFrame
    too_long: int


def train_grpo(job: Job, model: Path | str, parent: str | None) -> Done:
    """Train `model`; the summary's `model` is the folder of the best step, adapters merged."""
    config, data = job.preset.grpo, job.preset.data
    how = held_out(job.preset)
    folder = model_folder(str(model))
    problems = problems_of_split(job.store, data.problems, "train")
    subset = inputs.subset_of(job.store, data.problem_subset, "problems")
    chosen = inputs.problems_in(job.store, subset) if subset else None
    spec = StageSpec(
        kind="grpo",
        stage="grpo",
        module=__name__,
        config=as_json(config) | {"heldout": data.heldout, **how.as_json()},
        inputs={
            "model": inputs.hash_of_folder(folder),
            "problems": _hash_of(chosen or problems),
            **({"heldout": _hash_of(problems)} if subset else {}),
            # the held-out problems are of this source also where a subset is trained on
            **inputs.converter_input(inputs.converter_of_problems(job.store, data.problems)),
            **inputs.subset_input(job.store, subset),
            # another rubric is another reward
            **({"judge": rubric_of(job.store, config.judge).version} if config.judge else {}),
        },
        parent=parent,
        resumable=True,
    )

    def work(run: str) -> dict[str, Any]:
        tokenizer = Tokenizer(folder)
        split = split_problems(job, tokenizer, problems, chosen)
        summary = _train(job, folder, tokenizer, split, how, run)
        summary["bad_gold"] = len((chosen or problems).bad_gold)
        if subset and chosen:
            usable = chosen.usable.height + len(chosen.bad_gold)
            summary["no_problem_now"] = len(subset.ids) - usable
        if parent is None:  # else the run that made it says so
            summary["start"] = name_and_licence(str(model))
        return summary | ({} if subset else {"learned_from": {"source": data.problems}})

    return stage_run(job, spec, work)


def _hash_of(problems: Problems) -> str:
    return hash_of_ids(problems.usable["problem_id"].to_list())


def split_problems(
    job: Job, tokenizer: Tokenizer, problems: Problems, chosen: Problems | None
) -> Split:
    """Hold out the first `heldout` of all train problems; train on the rest, or of `chosen`.

    The held-out problems are the same for every subset, so accuracies can be compared.
    """
    config, count = job.preset.grpo, job.preset.data.heldout
    fit = fitting(problems.usable, tokenizer, config.max_prompt_tokens)
    heldout = heldout_of(job.preset, fit)
    if chosen is not None:
        fit = fitting(chosen.usable, tokenizer, config.max_prompt_tokens)
    train = fit.problems.join(heldout, on="problem_id", how="anti", maintain_order="left")
    if train.height < config.prompts:
        raise UserError(
            f"the prompts of {fit.problems.height} train problems fit, {count} are held out, and a"
            f" step needs {config.prompts} problems: ingest more, or lower heldout or prompts"
        )
    return Split(train, heldout, len(fit.too_long))


def _train(
    job: Job, folder: Path, tokenizer: Tokenizer, split: Split, how: HeldOut, run: str
) -> dict[str, Any]:
    best = grpo.train(
        load_model(job.preset.model, folder),
        [Prompt(*row) for row in split.train.select("problem_id", "prompt", "gold").iter_rows()],
        tokenizer,
        job.preset.grpo,
        measured_by(job, run, "grpo", split.heldout, how),
        TrainingRun(job.folder / run, job.metrics(run), job.progress("grpo"), job.stop),
    )
    return {
        **record_best(job, run, "grpo", best, split.heldout),
        "problems": split.train.height,
        "heldout": split.heldout.height,
        "too_long": split.too_long,
    }
