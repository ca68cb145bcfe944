"""The export stage: a model as a Hugging Face folder, compared with the original."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.scores import problems_of_split
from pipeline.evaluate import fitting
from pipeline.generate import greedy_texts
from pipeline.job import inputs
from pipeline.job.models import load_model, path_in_store
from pipeline.job.runs import Done, Job, StageSpec, stage_run
from pipeline.model import Tokenizer, export_folder, model_folder

PARITY_PROMPTS = 16  # test problems on which the export is compared with the model


def export_model(job: Job, model: Path | str, out: Path, parent: str | None) -> Done:
    """Export `model` to `out`, and check on test problems that it computes the same."""
    folder = model_folder(str(model))
    # relative inside the store, so that the run has the same name in each process's own store
    inside = out.is_relative_to(job.store.folder)
    path = path_in_store(job.store, out) if inside else str(out.absolute())
    spec = StageSpec(
        kind="export",
        stage="export",
        module=__name__,
        config={"out": path if inside else str(out)},
        inputs={"model": inputs.hash_of_folder(folder)},
        parent=parent,
    )
    problems = problems_of_split(job.store, job.preset.data.problems, "test")

    def work(run: str) -> dict[str, Any]:
        limit = job.preset.eval.max_prompt_tokens
        fit = fitting(problems.usable.head(4 * PARITY_PROMPTS), Tokenizer(folder), limit)
        prompts = fit.problems["prompt"].head(PARITY_PROMPTS).to_list()
        if not prompts:
            raise UserError(
                f"none of {len(fit.too_long)} prompts has {limit} tokens or fewer, so the export"
                " cannot be checked; raise eval.max_prompt_tokens"
            )
        model = load_model(job.preset.model, folder)
        return export_folder(model, out, prompts, greedy_texts) | {"path": path}

    done = stage_run(job, spec, work)
    return replace(done, summary=done.summary | {"path": str(out.absolute())})
