"""The whole job, stage by stage: ingest, convert, evaluate, SFT, DPO, GRPO, export."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.comparison import compare
from pipeline.job import inputs
from pipeline.job.evaluation_stage import evaluate
from pipeline.job.export_stage import export_model
from pipeline.job.models import model_of
from pipeline.job.prepare import prepared
from pipeline.job.runs import Done, Job
from pipeline.job.training import (
    refuse_longer_than_rollouts,
    train_dpo,
    train_grpo,
    train_sft,
)
from pipeline.model import model_folder


def prepare(job: Job, *, records: bool = False, problems: bool = False) -> dict[str, Any]:
    """Ingest and convert what the stages of the job need (pipeline/job/prepare.py)."""
    return prepared(job.store, job.preset.data, job.progress, records=records, problems=problems)


def converter_of(job: Job, counts: dict[str, Any]) -> str | None:
    """The converter of the records that SFT trains on; None if it trains on a subset.

    counts: what `prepare` returned
    """
    data = job.preset.data
    return None if data.subset else counts[data.records]["convert"]["converter"]


def sample_answers(job: Job, stage: str, model: Path | str, parent: str | None) -> Done:
    """Let `model` answer train problems as the knobs of DPO say, for pairs of its own answers.

    It is an evaluation of train problems like any other, of `stage`, which is found again. The
    first problems are left out, as many as are held out: no pair is made of these.
    """
    data = job.preset.data
    # `--resume` names a run of DPO, not this one
    sampling = replace(job, preset=job.preset.sampling_pairs(), resume=None)
    return evaluate(sampling, stage, model, parent, data.problem_subset, skip=data.heldout)


def run_all(job: Job) -> dict[str, Any]:
    """Run every stage in order; returns the object that `thinkbench run --json` prints."""
    base = model_folder(job.preset.model.model)  # fails before any row is read
    inputs.require_test_split(job.preset)
    counts = prepare(job, records=True, problems=True)
    refuse_longer_than_rollouts(job, base, converter_of(job, counts))
    evaluations = {"base": evaluate(job, "base", base, None)}
    sft = train_sft(job, base, converter_of(job, counts))
    sft_model = model_of(job.store, sft.summary)
    evaluations["sft"] = evaluate(job, "sft", sft_model, sft.run)
    trained, start, run = {"sft": sft}, sft_model, sft.run
    if job.preset.dpo.in_run:
        answers = sample_answers(job, "sft", sft_model, sft.run)
        trained["dpo"] = train_dpo(job, sft_model, sft.run, [answers.run])
        start, run = model_of(job.store, trained["dpo"].summary), trained["dpo"].run
        evaluations["dpo"] = evaluate(job, "dpo", start, run)
    trained["grpo"] = grpo = train_grpo(job, start, run)
    grpo_model = model_of(job.store, grpo.summary)
    evaluations["grpo"] = evaluate(job, "grpo", grpo_model, grpo.run)
    export = export_model(job, grpo_model, job.store.folder / "exports" / grpo.run, grpo.run)
    eval_runs = [done.run for done in evaluations.values()]
    grader = job.preset.eval.grader
    return {
        "store": str(job.store.folder),
        "stages": compare.stages(job.store, eval_runs, grader),
        "comparisons": compare.comparisons(job.store, eval_runs, grader),
        "data": counts,
        "export": export.summary,
        "seconds": {
            **{stage: done.summary["seconds"] for stage, done in trained.items()},
            **{f"eval {stage}": done.summary["seconds"] for stage, done in evaluations.items()},
        },
    }
