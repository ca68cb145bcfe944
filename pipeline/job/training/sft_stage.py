"""The SFT stage: cold-start supervised fine-tuning on converted examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.scores import hash_of_ids
from pipeline.batches import (
    LIMITS,
    Budgets,
    Example,
    beside_limits,
    completion_tokens,
    disagreement,
    tokenize_examples,
)
from pipeline.config import as_json
from pipeline.evaluate import count_tokens
from pipeline.job import (
    Checkpoint,
    Done,
    Job,
    StageSpec,
    inputs,
    load_model,
    path_in_store,
    record_checkpoint,
    stage_run,
)
from pipeline.model import Tokenizer, model_folder, name_and_licence
from pipeline.train import TrainingRun, sft


def train_sft(job: Job, model: Path | str, converter: str | None) -> Done:
    """Fine-tune `model`; the summary's `model` is the folder with the merged adapters.

    converter: whose examples of the preset's records are trained on; None with a subset
    """
    folder = model_folder(str(model))
    chosen = chosen_examples(job, model, converter)
    spec = StageSpec(
        kind="sft",
        stage="sft",
        module=__name__,
        config=as_json(job.preset.sft),
        inputs={
            "model": inputs.hash_of_folder(folder),
            "examples": hash_of_ids([example.example_id for example in chosen.examples]),
            **chosen.inputs,
        },
        resumable=True,
    )
    return stage_run(
        job,
        spec,
        lambda run: (
            _train(job, folder, chosen.examples, run)
            | chosen.summary
            | {"start": name_and_licence(str(model))}
        ),
    )


@dataclass(frozen=True)
class ChosenExamples:
    """What SFT trains on. summary: what the run says of it   inputs: name -> hash, or version"""

    examples: list[Example]
    summary: dict[str, Any]
    inputs: dict[str, str]


def chosen_examples(job: Job, model: Path | str, converter: str | None) -> ChosenExamples:
    """The examples of a subset; or of a source by `converter`, those that the filter lets through.

    model: whose tokens are counted, under its name, where the filter asks for them
    """
    data = job.preset.data
    if subset := inputs.subset_of(job.store, data.subset, "records"):
        examples = inputs.examples_in(job.store, subset)
        origin = {"no_example_now": len(subset.ids) - len(examples)}
        return ChosenExamples(examples, origin, inputs.subset_input(job.store, subset))
    assert converter is not None
    source, where = data.records, data.records_filter
    examples = inputs.examples_of(job.store, source, converter)
    summary: dict[str, Any] = {"learned_from": {"source": source, "converter": converter}}
    read = inputs.converter_input({source: converter})
    if where:
        tokenizer = _counted(job, model, converter, examples) if "tokens" in where else ""
        examples, left_out = inputs.examples_matching(
            job.store, source, converter, where, tokenizer
        )
        summary |= {"records_filter": where, "records_left_out": left_out}
        read |= {"records_filter": where}
    return ChosenExamples(examples, summary, read)


def _counted(job: Job, model: Path | str, converter: str, examples: list[Example]) -> str:
    """Count the tokens of those examples that are not counted yet; the tokenizer's id."""
    source, name = job.preset.data.records, str(model)
    bar, folder = job.progress("count tokens"), model_folder(name)
    return count_tokens(job.store, source, converter, examples, name, folder, bar)


def _train(job: Job, folder: Path, examples: list[Example], run: str) -> dict[str, Any]:
    config = job.preset.sft
    tokenizer = Tokenizer(folder)
    rows, too_long = tokenize_examples(examples, tokenizer, config.max_tokens)
    merged = sft.train(
        load_model(job.preset.model, folder),
        rows,
        tokenizer,
        config,
        TrainingRun(job.folder / run, job.metrics(run), job.progress("sft"), job.stop),
    )
    record_checkpoint(
        job.store,
        Checkpoint(run=run, stage="sft", step=config.steps, folder=merged, best=True),
    )
    return {
        "model": path_in_store(job.store, merged),
        "examples": len(rows),
        "too_long": len(too_long),
        "completion_tokens": beside_limits(completion_tokens(rows), job.preset).to_json(),
    }


def lengths_of(
    job: Job, model: Path | str, converter: str | None, knobs: Sequence[str] = LIMITS
) -> Budgets:
    """The lengths of the completions that `train_sft` would learn from, beside the limits."""
    folder = model_folder(str(model))
    examples = chosen_examples(job, model, converter).examples
    rows, _ = tokenize_examples(examples, Tokenizer(folder), job.preset.sft.max_tokens)
    return beside_limits(completion_tokens(rows), job.preset, knobs)


def refuse_longer_than_rollouts(
    job: Job, model: Path | str, converter: str | None, knobs: Sequence[str] = LIMITS
) -> None:
    """Raise UserError where too many completions are longer than may be written later."""
    if why := disagreement(lengths_of(job, model, converter, knobs), job.preset):
        raise UserError(why)
