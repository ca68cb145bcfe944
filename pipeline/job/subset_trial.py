"""Compare a subset with a random one of the same size: does the choice help, or only the size?

Both arms are trained with the same seeds and knobs and answer the same problems. The random subset
is drawn again for each seed, so that one lucky draw cannot decide. Finished runs are reused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.store import BadEntry, runs
from data.subsets import Choice, Recipe, Subset, converters_of, subset
from evals.curation import choose
from evals.scores import scores_of
from evals.statistics import compare_seeds
from pipeline.batches import EVAL, LIMITS
from pipeline.evaluate import count_tokens
from pipeline.generate import seed_of
from pipeline.job.evaluation_stage import evaluate
from pipeline.job.inputs import examples_of, require_test_split
from pipeline.job.models import model_of
from pipeline.job.prepare import prepared
from pipeline.job.runs import Done, Job
from pipeline.job.training import refuse_longer_than_rollouts, train_grpo, train_sft
from pipeline.model import model_folder

RANDOM = "random"
METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")


@dataclass(frozen=True)
class Trial:
    """Compare `subset` with `against` (another subset or RANDOM) by `metric` after `stage`."""

    subset: str
    against: str = RANDOM
    seeds: int = 3
    metric: str = "answer"
    stage: str = "sft"


def ab(job: Job, trial: Trial, model: str) -> dict[str, Any]:
    """Train and evaluate both arms, as a run of kind ab; the object of `thinkbench ab`.

    model: what SFT starts from, or GRPO if the subset holds problems
    """
    require_test_split(job.preset)
    chosen = _checked(job, trial)
    # both arms train on subsets of what the store has
    prepared(job.store, job.preset.data, job.progress, records=False, problems=True)
    base = model_folder(model)
    _check_lengths(job, trial, chosen, base)
    opponent = _opponent(job, trial, chosen, model, base)
    seeds = list(range(job.preset.sft.seed, job.preset.sft.seed + trial.seeds))
    labels = {
        "subset": [chosen.label] * len(seeds),
        "against": [opponent(seed) for seed in seeds],
    }
    run_ids = {
        arm: [
            _train_and_evaluate(job, trial, chosen.of or "", label, seed, base)
            for label, seed in zip(arm_labels, seeds, strict=True)
        ]
        for arm, arm_labels in labels.items()
    }
    a, b = (_rates(job, run_ids[arm], trial.metric) for arm in ("against", "subset"))
    verdict = compare_seeds(*_on_common_problems(a, b)).to_json()
    value = {
        "subset": chosen.label,
        "against": labels["against"],
        "metric": trial.metric,
        "stage": trial.stage,
        "seeds_used": seeds,
        "runs": run_ids,
        **verdict,
    }
    value["run"] = _record(job, value, chosen)
    return value


def _checked(job: Job, trial: Trial) -> Subset:
    """The trial's subset; UserError if it cannot be compared like this."""
    if trial.seeds < 2:
        raise UserError(f"--seeds {trial.seeds}; expected 2 or more for an interval.")
    chosen = subset(job.store, trial.subset)
    if chosen.of is None:
        raise BadEntry(f"{chosen.label} has no recipe, so no random subset can be drawn like it.")
    if chosen.of == "problems" and trial.stage != "grpo":
        raise BadEntry(f"{chosen.label} holds problems, which only GRPO uses; pass --stage grpo.")
    return chosen


def _check_lengths(job: Job, trial: Trial, chosen: Subset, base: Path) -> None:
    """UserError where most answers would be cut off, because the trained ones are longer."""
    if chosen.of != "records":
        return
    labels = [chosen.label, *([] if trial.against == RANDOM else [trial.against])]
    for label in labels:
        preset = job.preset.with_knobs("data", records_filter="", subset=label)
        knobs = LIMITS if trial.stage == "grpo" else (EVAL,)
        refuse_longer_than_rollouts(replace(job, preset=preset), base, None, knobs)


def _opponent(
    job: Job, trial: Trial, chosen: Subset, model: str, base: Path
) -> Callable[[int], str]:
    """From a seed to the label of the subset to compare with. Random ones are saved as subsets."""
    if trial.against != RANDOM:
        other = subset(job.store, trial.against)
        if other.of != chosen.of:
            raise BadEntry(
                f"{other.label} holds {other.of}, but {chosen.label} holds {chosen.of}; expected"
                " two subsets of the same kind."
            )
        return lambda seed: other.label
    recipe = _random_recipe(job, chosen, model, base)

    def draw(seed: int) -> str:
        name = f"{chosen.name}.{chosen.version}.{RANDOM}.{seed}"
        # not `seed` itself: the subset may have been drawn with the same small number
        draw_seed = seed_of(seed, 0, chosen.content_hash)
        saved, _ = choose.save(job.store, name, replace(recipe, seed=draw_seed), "thinkbench ab")
        return saved.label

    return draw


def _random_recipe(job: Job, chosen: Subset, model: str, base: Path) -> Recipe:
    """A recipe that draws as much as `chosen` has from the rows that it was chosen from.

    As much is as many problems, or examples with as many tokens together.
    """
    recipe = chosen.recipe
    converters = {
        source: converter
        for source, (converter, _) in converters_of(job.store, chosen).items()
        if not recipe.sources or source in recipe.sources
    }
    pool = Recipe(
        of=recipe.of,
        sources=recipe.sources,
        parent=recipe.parent,
        converters=tuple(sorted(converters.items())),
    )
    if recipe.of == "problems":
        available = choose.choice(job.store, pool)
        _check_smaller(chosen, len(chosen.ids), len(available.ids), "problems")
        return replace(pool, sample=len(chosen.ids))
    tokenizer = ""
    for source, converter in converters.items():
        examples = examples_of(job.store, source, converter)
        bar = job.progress(f"count tokens {source}")
        tokenizer = count_tokens(job.store, source, converter, examples, model, base, bar)
    pool = replace(pool, tokenizer=tokenizer)
    own = choose.choice(job.store, replace(pool, sources=(), parent=chosen.label))
    budget, available = _tokens(own, chosen), choose.choice(job.store, pool)
    _check_smaller(chosen, budget, available.tokens or budget + 1, "tokens")
    return replace(pool, tokens=budget)


def _tokens(choice: Choice, chosen: Subset) -> int:
    if choice.tokens is None:
        raise BadEntry(
            f"some records of {chosen.label} are no longer examples, so its tokens cannot be"
            " counted. Make a new version of it: thinkbench subset new"
        )
    return choice.tokens


def _check_smaller(chosen: Subset, size: int, available: int, unit: str) -> None:
    if size >= available:
        raise BadEntry(
            f"{chosen.label} has all {available:,} {unit} of the rows that it was chosen from;"
            " a random one would be the same. Compare a smaller one, or name another subset with"
            " --against."
        )


def _train_and_evaluate(job: Job, trial: Trial, of: str, label: str, seed: int, base: Path) -> str:
    """Train on the subset `label` with `seed` and evaluate; the evaluation's run."""
    knob = "subset" if of == "records" else "problem_subset"
    preset = job.preset.with_seed(seed).with_knobs("data", records_filter="", **{knob: label})
    arm = replace(job, preset=preset)
    if of == "records":
        done: Done = train_sft(arm, base, None)
        if trial.stage == "grpo":
            done = train_grpo(arm, model_of(job.store, done.summary), done.run)
    else:
        done = train_grpo(arm, base, None)
    return evaluate(arm, trial.stage, model_of(job.store, done.summary), done.run).run


def _rates(job: Job, run_ids: list[str], metric: str) -> list[dict[str, float]]:
    """For each run: problem -> the share of its samples that are right; unknown ones are not."""
    rates = []
    for run in run_ids:
        scores = scores_of(job.store, run, job.preset.eval.grader)
        by_problem = scores.group_by("problem_id").agg(
            (pl.col(metric).cast(pl.Float64).sum() / pl.len()).alias("rate")
        )
        rates.append(dict(by_problem.iter_rows()))
    return rates


def _on_common_problems(
    a: list[dict[str, float]], b: list[dict[str, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """[seeds, problems] of each arm, over the problems that every run answered."""
    common = sorted(set.intersection(*(set(run) for run in (*a, *b))))

    def rows(arm: list[dict[str, float]]) -> np.ndarray:
        return np.array([[run[problem_id] for problem_id in common] for run in arm], dtype=float)

    return rows(a), rows(b)


def _record(job: Job, value: dict[str, Any], chosen: Subset) -> str:
    """Store the verdict as a run; the same trial again is the same run."""
    identity = ("subset", "against", "metric", "stage", "seeds_used")
    config = {name: value[name] for name in identity}
    config |= {"preset": job.preset.name, "grader": job.preset.eval.grader}
    inputs = {"subset": f"{chosen.label} {chosen.content_hash}"}
    for arm, run_ids in value["runs"].items():
        inputs[f"runs {arm}"] = runs.fingerprint(runs=run_ids)
    run = f"ab-{runs.fingerprint(config=config, inputs=inputs)[:12]}"
    state = runs.state(job.store, run)
    if state is None or state["event"] != "done":
        seed = value["seeds_used"][0]
        runs.begin(job.store, "ab", run=run, config=config, seed=seed, inputs=inputs)
        runs.end(job.store, run, "done", value)
    return run
