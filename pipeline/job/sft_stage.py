"""The SFT stage: cold-start supervised fine-tuning on converted examples."""

from pathlib import Path
from typing import Any

from evals.scores import hash_of_ids
from pipeline.batches import Example, tokenize_examples
from pipeline.config import as_json
from pipeline.job import inputs
from pipeline.job.models import Checkpoint, load_model, path_in_store, record_checkpoint
from pipeline.job.runs import Done, Job, StageSpec, stage_run
from pipeline.model import Tokenizer, model_folder
from pipeline.train import TrainingRun, sft


def train_sft(job: Job, model: Path | str, converter: str | None) -> Done:
    """Fine-tune `model`; the summary's `model` is the folder with the merged adapters.

    converter: whose examples of the preset's records are trained on; None with a subset
    """
    source = job.preset.data.records
    folder = model_folder(str(model))
    subset = inputs.subset_of(job.store, job.preset.data.subset, "records")
    if subset:
        examples = inputs.examples_in(job.store, subset)
        origin = {"no_example_now": len(subset.ids) - len(examples)}
        read = inputs.subset_input(job.store, subset)
    else:
        assert converter is not None
        examples = inputs.examples_of(job.store, source, converter)
        origin = {"learned_from": {"source": source, "converter": converter}}
        read = inputs.converter_input({source: converter})
    spec = StageSpec(
        kind="sft",
        stage="sft",
        module=__name__,
        config=as_json(job.preset.sft),
        inputs={
            "model": inputs.hash_of_folder(folder),
            "examples": hash_of_ids([example.example_id for example in examples]),
            **read,
        },
        resumable=True,
    )
    return stage_run(job, spec, lambda run: _train(job, folder, examples, run) | origin)


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
    }
