"""Our GRPO recipe against the reference notebook's.

    python -m benchmarks.training.recipe STORE [--seeds 5]

For each seed all start from the same cold-started bundled model and sample as many completions in
all: ours, the reference with the notebook's two problems a step, and the reference at our batch, in
as many steps as ours. What each keeps answers the test problems, greedy, by `strict`. A run has
collapsed if it is right less than half as often as at its start. Runs that are in STORE are not
made again.
"""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.training import reference_recipe
from data.store import open_store
from evals.comparison import compare
from evals.scores import problems_of_split
from pipeline.batches import Prompt
from pipeline.evaluate import fitting
from pipeline.job import (
    Done,
    Job,
    StageSpec,
    evaluate,
    inputs,
    model_of,
    stage_run,
    stages,
)
from pipeline.job.training import train_grpo, train_sft
from pipeline.model import Tokenizer, gemma3, model_folder
from pipeline.presets import load_preset
from pipeline.train import StoreMetrics

STAGES = {
    "start": "sft",
    "ours": "grpo",
    "reference": "reference",
    "reference at our batch": "reference-wide",
}
RECIPES = list(STAGES)[1:]


def train_reference(job: Job, name: str, model: Path, parent: str) -> Done:
    """The notebook's recipe on the same problems, as a run of the store."""
    config, data = job.preset.grpo, job.preset.data
    own, wide = reference_recipe.PROMPTS, config.prompts * config.group // reference_recipe.GROUP
    prompts = own if name == "reference" else wide
    split = problems_of_split(job.store, data.problems, "train")

    def work(run: str) -> dict[str, Any]:
        tokenizer = Tokenizer(model)
        fit = fitting(split.usable, tokenizer, config.max_prompt_tokens)
        train = fit.problems.slice(data.heldout).select("problem_id", "prompt", "gold")
        merged = reference_recipe.train(
            gemma3.load(str(model), dtype=job.preset.model.dtype, remat=job.preset.model.remat),
            [Prompt(*row) for row in train.iter_rows()],
            tokenizer,
            config,
            StoreMetrics(job.store, run),
            job.folder / run / "merged",
            prompts=prompts,
        )
        return {"model": merged.relative_to(job.store.folder).as_posix()}

    spec = StageSpec(
        kind="grpo",
        stage=STAGES[name],
        module="pipeline.job.training.grpo_stage",
        config={"seed": config.seed, "steps": config.steps, "recipe": name, "prompts": prompts},
        inputs={"model": inputs.hash_of_folder(model)},
        parent=parent,
    )
    return stage_run(job, spec, work)


def of_seed(job: Job, seed: int, converter: str | None) -> dict[str, Any]:
    """Answer and format of the start and of each recipe, with intervals; who collapsed."""
    job = Job(job.store, job.preset.with_seed(seed), job.progress)
    tuned = train_sft(job, model_folder("tiny"), converter)
    cold = model_of(job.store, tuned.summary)
    done = {"start": tuned, "ours": train_grpo(job, cold, tuned.run)}
    for name in RECIPES[1:]:
        done[name] = train_reference(job, name, cold, tuned.run)
    evaluated = {
        name: evaluate(job, STAGES[name], model_of(job.store, one.summary), one.run).run
        for name, one in done.items()
    }
    rows = compare.stages(job.store, list(evaluated.values()), "strict")
    by_recipe = {name: row for name, row in zip(evaluated, rows, strict=True)}
    half = by_recipe["start"]["answer"]["value"] / 2
    differences = {
        name: compare.compare(job.store, evaluated["start"], evaluated[name])["metrics"]["answer"]
        for name in RECIPES
    }
    return {
        "seed": seed,
        **{
            name: {metric: row[metric] for metric in ("format", "answer")}
            for name, row in by_recipe.items()
        },
        "difference": {
            name: {key: one[key] for key in ("difference", "low", "high", "p")}
            for name, one in differences.items()
        },
        "collapsed": [name for name in RECIPES if by_recipe[name]["answer"]["value"] < half],
        "signs": done["ours"].summary["signs"],
    }


def share(interval: dict[str, Any]) -> str:
    low, value, high = (f"{100 * interval[name]:.1f}" for name in ("low", "value", "high"))
    return f"{value} % ({low} to {high})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    store = open_store(arguments.store)
    quiet = lambda name: lambda step, of, numbers: None  # noqa: E731
    with nullcontext(Job(store, load_preset("tiny"), quiet)) as job:
        counts = stages.prepare(job, records=True, problems=True)
        converter = stages.converter_of(job, counts)
        rows = []
        for seed in range(arguments.seeds):
            rows.append(of_seed(job, seed, converter))
            row = rows[-1]
            if not arguments.json:
                shown = [f"{name} {share(row[name]['answer'])}" for name in STAGES]
                print(f"seed {seed}: {', '.join(shown)}; collapsed: {row['collapsed']}", flush=True)
    if arguments.json:
        print(json.dumps(rows))
