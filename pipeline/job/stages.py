"""The whole job, stage by stage: ingest, convert, evaluate, SFT, GRPO, export."""

from typing import Any

from evals.comparison import compare
from pipeline.job import inputs
from pipeline.job.evaluation_stage import evaluate
from pipeline.job.export_stage import export_model
from pipeline.job.models import model_of
from pipeline.job.prepare import prepared
from pipeline.job.runs import Job
from pipeline.job.training import refuse_longer_than_rollouts, train_grpo, train_sft
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
    grpo = train_grpo(job, sft_model, sft.run)
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
            "sft": sft.summary["seconds"],
            "grpo": grpo.summary["seconds"],
            **{f"eval {stage}": done.summary["seconds"] for stage, done in evaluations.items()},
        },
    }
