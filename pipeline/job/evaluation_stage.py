"""The evaluation stage: a model of this machine answers the test problems."""

from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.failures import categorise_missing
from evals.scores import Problems, hash_of_ids, problems_of_split
from pipeline.config import EvalConfig, as_json
from pipeline.evaluate import Evaluation, fitting, store_evaluation
from pipeline.generate import Sampling, engine_of
from pipeline.job import inputs
from pipeline.job.models import load_model
from pipeline.job.runs import Done, Job, StageSpec, stage_run
from pipeline.model import Tokenizer, model_folder


def evaluate(job: Job, stage: str, model: Path | str, parent: str | None) -> Done:
    """Evaluate `model` on the test problems as `stage`."""
    config = job.preset.eval
    problems = problems_of_split(job.store, job.preset.data.problems, "test")
    chosen = problems.usable.head(config.limit) if config.limit else problems.usable
    folder = model_folder(str(model))
    spec = StageSpec(
        kind="eval",
        stage=stage,
        # without the grader: the verdicts of every grader are stored
        config={name: value for name, value in as_json(config).items() if name != "grader"},
        inputs={
            "model": inputs.hash_of_folder(folder),
            "problems": hash_of_ids(chosen["problem_id"].to_list()),
        },
        parent=parent,
        resumable=True,
    )
    selected = Problems(chosen, problems.bad_gold)
    return stage_run(job, spec, lambda run: _evaluate(job, stage, folder, selected, run))


def _evaluate(job: Job, stage: str, folder: Path, problems: Problems, run: str) -> dict[str, Any]:
    """Generate, grade and categorise the answers; the run's summary."""
    config = job.preset.eval
    loaded = load_model(job.preset.model, folder)
    tokenizer = Tokenizer(folder)
    sampling = sampling_of(config)
    fit = fitting(problems.usable, tokenizer, config.max_prompt_tokens)
    if fit.problems.is_empty():
        raise UserError(
            f"all {problems.usable.height} prompts are longer than {config.max_prompt_tokens}"
            " tokens; raise max_prompt_tokens"
        )
    # the engine has memory for each slot, used or not
    slots = min(config.batch, fit.problems.height * config.samples)
    engine = engine_of(loaded.model, tokenizer, sampling, slots)
    tally = store_evaluation(
        Evaluation(job.store, run, stage, Problems(fit.problems, problems.bad_gold)),
        engine.generate,
        sampling,
        samples=config.samples,
        seed=config.seed,
        progress=job.progress(f"evaluate {stage}"),
        stop=job.stop,
    )
    categorise_missing(job.store, run)
    return {
        "generations": tally.stored,
        "generated": tally.requested,
        **(engine.speed.as_json() if tally.requested else {}),
        "problems": fit.problems.height,
        "too_long": len(fit.too_long),
        "bad_gold": len(problems.bad_gold),
    }


def sampling_of(config: EvalConfig) -> Sampling:
    return Sampling(
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_prompt_tokens=config.max_prompt_tokens,
        max_tokens=config.max_tokens,
    )
