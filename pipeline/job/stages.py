"""The main job, stage by stage: ingest, convert, evaluate, SFT, GRPO, export."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import add, runs
from data.subsets import Subset
from evals.comparison import compare
from evals.failures import categorise
from evals.statistics import wilson
from pipeline.config import EvalConfig, as_json
from pipeline.evaluate import Evaluation, fitting, store_evaluation
from pipeline.generate import engine_of
from pipeline.generate.rollout import Sampling
from pipeline.job import inputs
from pipeline.job.prepare import prepared
from pipeline.job.runs import Done, Job, kept_path, model_of, stage_run
from pipeline.model import Tokenizer, gemma3
from pipeline.model.export import export
from pipeline.train import grpo, judged, sft

EXPORT_PROMPTS = 16  # of the test problems, for the parity check


def prepare(job: Job) -> dict[str, Any]:
    """Ingest and convert what the preset names. Doing it twice adds nothing."""
    return prepared(job.store, job.preset.data, job.progress)


def evaluate(job: Job, stage: str, model: Path | str, parent: str | None) -> Done:
    """Evaluate `model` on the test problems as `stage`."""
    config = job.preset.eval
    found = inputs.problems_of(job.store, job.preset.data.problems, "test")
    chosen = found.kept.head(config.limit) if config.limit else found.kept
    folder = gemma3.checked(str(model))
    read = {
        "model": inputs.hash_of_folder(folder),
        "problems": inputs.hash_of_rows(chosen["problem_id"].to_list()),
    }

    def work(run: str) -> dict[str, Any]:
        loaded = _load(job, folder)
        tokenizer = Tokenizer(folder)
        sampling = sampling_of(config)
        fit = fitting(chosen, tokenizer, config.max_prompt_tokens)
        if fit.problems.is_empty():
            raise UserError(
                f"all {chosen.height} prompts are longer than {config.max_prompt_tokens} tokens;"
                " raise max_prompt_tokens"
            )
        engine = engine_of(loaded.model, tokenizer, sampling, config.batch)
        kept = store_evaluation(
            Evaluation(job.store, run, stage, inputs.Problems(fit.problems, found.bad_gold)),
            engine.generate,
            sampling,
            samples=config.samples,
            seed=config.seed,
            progress=job.progress(f"evaluate {stage}"),
            stop=job.stop,
        )
        categorise(job.store, run)
        return {
            "generations": kept.there,
            "generated": kept.asked,
            **(engine.speed.as_json() if kept.asked else {}),
            "problems": fit.problems.height,
            "too_long": len(fit.too_long),
            "bad_gold": len(found.bad_gold),
        }

    return stage_run(
        # the grader of the table is no part of it: every grader's verdicts are stored
        job,
        "eval",
        stage,
        {name: value for name, value in as_json(config).items() if name != "grader"},
        read,
        parent,
        work,
        resumed=True,
    )


def train_sft(job: Job, model: Path | str, converter: str) -> Done:
    """Cold-start SFT of `model`; its summary's `model` is the merged folder."""
    config, source = job.preset.sft, job.preset.data.records
    folder = gemma3.checked(str(model))
    subset = inputs.subset_of(job.store, job.preset.data.subset, "records")
    examples = (
        inputs.examples_in(job.store, subset)
        if subset
        else inputs.examples_of(job.store, source, converter)
    )
    read = {
        "model": inputs.hash_of_folder(folder),
        "examples": inputs.hash_of_rows([example.example_id for example in examples]),
        **named(subset),
    }

    def work(run: str) -> dict[str, Any]:
        tokenizer = Tokenizer(folder)
        rows, too_long = sft.tokenized(examples, tokenizer, config.max_tokens)
        merged = sft.train(
            _load(job, folder),
            rows,
            tokenizer,
            config,
            folder=job.folder / run,
            metrics=job.metrics(run),
            progress=job.progress("sft"),
            stop=job.stop,
        )
        _note_checkpoint(job, run, "sft", config.steps, merged, best=True)
        return {
            "model": kept_path(job, merged),
            "examples": len(rows),
            "too_long": len(too_long),
            **(
                {"no_example_now": len(subset.ids) - len(examples)}
                if subset
                else {"learned_from": {"source": source, "converter": converter}}
            ),
        }

    return stage_run(job, "sft", "sft", as_json(config), read, None, work, resumed=True)


def train_grpo(job: Job, model: Path | str, parent: str | None) -> Done:
    """GRPO of `model`; its summary's `model` is the merged folder of the best step."""
    config, data = job.preset.grpo, job.preset.data
    # what is held out fits into the prompts of training
    sampling = replace(sampling_of(job.preset.eval), max_prompt_tokens=config.max_prompt_tokens)
    batch = min(job.preset.eval.batch, data.heldout)
    folder = gemma3.checked(str(model))
    found = inputs.problems_of(job.store, data.problems, "train")
    subset = inputs.subset_of(job.store, data.problem_subset, "problems")
    asked = inputs.problems_in(job.store, subset) if subset else found
    read = {
        "model": inputs.hash_of_folder(folder),
        "problems": inputs.hash_of_rows(asked.kept["problem_id"].to_list()),
        **({"heldout": inputs.hash_of_rows(found.kept["problem_id"].to_list())} if subset else {}),
        **named(subset),
    }

    def work(run: str) -> dict[str, Any]:
        tokenizer = Tokenizer(folder)
        fit = fitting(found.kept, tokenizer, config.max_prompt_tokens)
        # held out of all train problems, whatever the subset: its accuracies can be compared
        heldout = fit.problems.head(data.heldout)
        fit = fitting(asked.kept, tokenizer, config.max_prompt_tokens) if subset else fit
        train = fit.problems.join(heldout, on="problem_id", how="anti", maintain_order="left")
        if train.height < config.prompts:
            raise UserError(
                f"{fit.problems.height} train problems fit; {data.heldout} are held out and a step"
                f" needs {config.prompts}: ingest more, or lower heldout or prompts"
            )
        columns = ["problem_id", "prompt", "gold"]

        def note(at: int, answer: float) -> None:
            path = job.folder / run / "adapters" / str(at)
            _note_checkpoint(job, run, "grpo", at, path, answer, heldout.height)

        best = grpo.train(
            _load(job, folder),
            [grpo.Prompt(*row) for row in train.select(columns).iter_rows()],
            tokenizer,
            config,
            store=job.store,
            run=run,
            measure=lambda generate: answer_accuracy(heldout, generate),
            heldout_sampling=sampling,
            heldout_batch=batch,
            heldout=heldout.height,
            folder=job.folder / run,
            metrics=job.metrics(run),
            progress=job.progress("grpo"),
            on_checkpoint=note,
            stop=job.stop,
        )
        kept, answer = (best.step, best.merged), best.answer
        _note_checkpoint(job, run, "grpo", *kept, answer, heldout.height, best=True)
        return {
            "model": kept_path(job, best.merged),
            "best_step": best.step,
            "heldout_answer": asdict(wilson(round(answer * heldout.height), heldout.height)),
            "signs": best.signs,
            "stopped_at": best.stopped_at,
            "problems": train.height,
            "heldout": heldout.height,
            "too_long": len(fit.too_long),
            "bad_gold": len(asked.bad_gold),
            **({} if subset else {"learned_from": {"source": data.problems}}),
        }

    config_read = as_json(config) | {
        "heldout": data.heldout,
        "heldout_sampling": sampling.as_json(),
        "heldout_batch": batch,
    }
    return stage_run(job, "grpo", "grpo", config_read, read, parent, work, resumed=True)


def export_model(job: Job, model: Path | str, out: Path, parent: str | None) -> Done:
    """Export `model` to `out`, parity-checked on test problems."""
    folder = gemma3.checked(str(model))
    found = inputs.problems_of(job.store, job.preset.data.problems, "test")

    def work(run: str) -> dict[str, Any]:
        tokenizer = Tokenizer(folder)
        limit = job.preset.eval.max_prompt_tokens
        fit = fitting(found.kept.head(4 * EXPORT_PROMPTS), tokenizer, limit)
        prompts = fit.problems["prompt"].head(EXPORT_PROMPTS).to_list()
        if not prompts:
            raise UserError(
                f"no prompt of {len(fit.too_long)} has {limit} tokens or fewer, so the export"
                " cannot be checked; raise eval.max_prompt_tokens"
            )
        return export(_load(job, folder), out, prompts)

    read = {"model": inputs.hash_of_folder(folder)}
    inside = out.is_relative_to(job.store.folder)  # the same name in every process's own store
    config = {"out": kept_path(job, out) if inside else str(out)}
    return stage_run(job, "export", "export", config, read, parent, work)


def run_all(job: Job) -> dict[str, Any]:
    """The whole mission; returns the object that `thinkbench run --json` prints."""
    base = gemma3.checked(job.preset.model.model)  # before any row is read
    counts = prepare(job)
    converter = counts[job.preset.data.records]["convert"]["converter"]
    evaluated = {"base": evaluate(job, "base", base, None)}
    tuned = train_sft(job, base, converter)
    cold = model_of(job.store, tuned.summary)
    evaluated["sft"] = evaluate(job, "sft", cold, tuned.run)
    strong = train_grpo(job, cold, tuned.run)
    final = model_of(job.store, strong.summary)
    evaluated["grpo"] = evaluate(job, "grpo", final, strong.run)
    out = job.store.folder / "exports" / strong.run
    exported = export_model(job, final, out, strong.run)
    found = [done.run for done in evaluated.values()]
    grader = job.preset.eval.grader
    return {
        "store": str(job.store.folder),
        "stages": compare.stages(job.store, found, grader),
        "comparisons": compare.comparisons(job.store, found, grader),
        "data": counts,
        "export": exported.summary,
        "seconds": {
            "sft": tuned.summary["seconds"],
            "grpo": strong.summary["seconds"],
            **{f"eval {stage}": done.summary["seconds"] for stage, done in evaluated.items()},
        },
    }


def named(subset: Subset | None) -> dict[str, str]:
    """What says among the inputs of a run that it learned from a subset."""
    return {"subset": f"{subset.label} {subset.hash}"} if subset else {}


def sampling_of(config: EvalConfig) -> Sampling:
    return Sampling(
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_prompt_tokens=config.max_prompt_tokens,
        max_tokens=config.max_tokens,
    )


def answer_accuracy(problems: pl.DataFrame, generate: Any) -> float:
    """Share of `problems` (prompt, gold) answered right, by the grader of the rewards."""
    completions = generate(problems["prompt"].to_list(), 0)
    right = [
        judged(completion.text, gold).correct is True
        for completion, gold in zip(completions, problems["gold"], strict=True)
    ]
    return sum(right) / len(right)


def _load(job: Job, folder: Path) -> gemma3.Loaded:
    config = job.preset.model
    mesh = gemma3.mesh_of(config.fsdp, config.tensor_parallel)
    how = {"remat": config.remat, "block_attention": config.block_attention}
    return gemma3.load(str(folder), dtype=config.dtype, mesh=mesh, **how)


def _note_checkpoint(
    job: Job,
    run: str,
    stage: str,
    step: int,
    path: Path,
    metric: float | None = None,
    n: int | None = None,
    best: bool = False,
) -> None:
    row = {
        "checkpoint": f"{run}/{step}" + ("/merged" if best else ""),
        "run": run,
        "stage": stage,
        "step": step,
        "path": kept_path(job, path),
        "metric": metric,
        "metric_n": n,
        "best": best,
        "at": datetime.now(UTC),
    }
    schema = {"metric": pl.Float64, "metric_n": pl.Int64}
    rows = pl.DataFrame([row], schema_overrides=schema)
    # a run that goes on may come by the same step again
    once = runs.fingerprint(checkpoint=row["checkpoint"])
    add(job.store, "checkpoints", rows, run=run, stage=stage, once=once)
