"""The evaluation stage: a model of this machine answers problems."""

from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.failures import categorise_missing
from evals.scores import Problems, grade_missing
from pipeline.config import GRADERS, EvalConfig
from pipeline.evaluate import Evaluation, fitting, store_evaluation
from pipeline.generate import Sampling, engine_of
from pipeline.job import inputs
from pipeline.job.models import load_model
from pipeline.job.runs import Done, Job, StageSpec, stage_run
from pipeline.model import Tokenizer, model_folder


def evaluate(
    job: Job, stage: str, model: Path | str, parent: str | None, subset: str = "", skip: int = 0
) -> Done:
    """Let `model` answer problems as `stage`: those of the split, or of a subset by its label.

    skip: of `inputs.chosen_problems`
    """
    chosen = inputs.chosen_problems(job.store, job.preset, stage, subset, skip)
    folder = model_folder(str(model))
    spec = StageSpec(
        kind=chosen.kind,
        stage=chosen.stage,
        module=__name__,
        config=inputs.answer_settings(job.preset.eval),
        inputs={"model": inputs.hash_of_folder(folder), **chosen.inputs},
        parent=parent,
        resumable=True,
    )
    # a trained model is known by its run, another one only by the name that a person gave it
    name = model if isinstance(model, str) else job.preset.model.model
    origin = {"model_name": name} if parent is None else {}

    def work(run: str) -> dict[str, Any]:
        return _evaluate(job, chosen.stage, folder, chosen.problems, run) | origin

    done = stage_run(job, spec, work)
    for grader in GRADERS:  # a run that earlier code finished has verdicts of earlier graders
        grade_missing(job.store, done.run, grader)
    categorise_missing(job.store, done.run)
    return done


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
