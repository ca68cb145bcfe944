"""A subset against a random one of the same size: does choosing help, or only the number of rows?

Each arm is trained with the same seeds and knobs and answers the same problems. The random arm is
drawn anew for each seed, so that no lucky draw decides. What is there already is not trained again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.audit import queries
from data.errors import UserError
from data.store import BadEntry, runs
from data.subsets import Choice, Recipe, Subset, subset
from evals.scores import scores_of
from evals.statistics import seeds as arms
from evals.subsets import choose
from pipeline.evaluate import count
from pipeline.generate import seed_of
from pipeline.job import stages
from pipeline.job.prepare import prepared
from pipeline.job.runs import Done, Job, model_of
from pipeline.model import gemma3

RANDOM = "random"
METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")


@dataclass(frozen=True)
class Trial:
    """What is asked: `subset` against `against`, a subset or RANDOM, as `metric` after `stage`."""

    subset: str
    against: str = RANDOM
    seeds: int = 3
    metric: str = "answer"
    stage: str = "sft"


def ab(job: Job, trial: Trial, model: str) -> dict[str, Any]:
    """Train and evaluate both arms, as a run of kind ab; the object of `thinkbench ab`.

    model: what SFT starts from, or for a subset of problems what GRPO does
    """
    if trial.seeds < 2:
        raise UserError(f"--seeds {trial.seeds}; expected 2 or more for an interval.")
    chosen = subset(job.store, trial.subset)
    if chosen.of is None:
        raise BadEntry(f"{chosen.label} has no recipe, so nothing can be drawn beside it.")
    if chosen.of == "problems" and trial.stage != "grpo":
        raise BadEntry(f"{chosen.label} holds problems, which GRPO asks; say --stage grpo.")
    prepared(job.store, job.preset.data, job.progress, records=chosen.of == "records")
    base = gemma3.checked(model)
    opponent = _opponent(job, trial, chosen, model, base)
    seeds = list(range(job.preset.sft.seed, job.preset.sft.seed + trial.seeds))
    labels = {
        "subset": [chosen.label] * len(seeds),
        "against": [opponent(seed) for seed in seeds],
    }
    found = {
        arm: [
            _trained(job, trial, chosen.of or "", label, seed, base)
            for label, seed in zip(of_arm, seeds, strict=True)
        ]
        for arm, of_arm in labels.items()
    }
    a, b = (_verdicts(job, found[arm], trial.metric) for arm in ("against", "subset"))
    said = arms.verdict(*_on_the_same(a, b)).to_json()
    value = {
        "subset": chosen.label,
        "against": labels["against"],
        "metric": trial.metric,
        "stage": trial.stage,
        "seeds_used": seeds,
        "runs": found,
        **said,
    }
    value["run"] = _noted(job, value, chosen)
    return value


def _opponent(
    job: Job, trial: Trial, chosen: Subset, model: str, base: Path
) -> Callable[[int], str]:
    """Seed -> label of what the subset is compared with; random ones are kept as subsets too."""
    if trial.against != RANDOM:
        other = subset(job.store, trial.against)
        if other.of != chosen.of:
            raise BadEntry(f"{other.label} holds {other.of}, and {chosen.label} {chosen.of}.")
        return lambda seed: other.label
    drawn = _pool(job, chosen, model, base)

    def draw(seed: int) -> str:
        name = f"{chosen.name}.{chosen.version}.{RANDOM}.{seed}"
        # of its own: the subset itself may have been drawn by the same small number
        own = seed_of(seed, 0, chosen.hash)
        kept, _ = choose.save(job.store, name, replace(drawn, seed=own), "thinkbench ab")
        return kept.label

    return draw


def _pool(job: Job, chosen: Subset, model: str, base: Path) -> Recipe:
    """A recipe that draws as much as `chosen` has from the rows that it was chosen from."""
    of = chosen.recipe
    rows = Recipe(of=of.of, sources=of.sources, parent=of.parent)
    if of.of == "problems":
        whole = choose.choice(job.store, rows)
        _refuse_all(chosen, len(chosen.ids), len(whole.ids), "problems")
        return replace(rows, sample=len(chosen.ids))
    sources = rows.sources or tuple(
        queries.conversions(job.store)["source"].unique(maintain_order=True)
    )
    tokenizer = ""
    for source in sources:
        converter = queries.newest(job.store, source)
        bar = job.progress(f"count tokens {source}")
        tokenizer = count(job.store, source, converter, model, base, bar)
    rows = replace(rows, tokenizer=tokenizer)
    mine = choose.choice(job.store, Recipe(parent=chosen.label, tokenizer=tokenizer))
    budget, whole = _tokens(mine, chosen), choose.choice(job.store, rows)
    _refuse_all(chosen, budget, whole.tokens or budget + 1, "tokens")
    return replace(rows, tokens=budget)


def _tokens(mine: Choice, chosen: Subset) -> int:
    if mine.tokens is None:
        raise BadEntry(
            f"some of {chosen.label} are no examples any more, so its tokens cannot be counted."
            " Make a new version of it: thinkbench subset new"
        )
    return mine.tokens


def _refuse_all(chosen: Subset, mine: int, whole: int, what: str) -> None:
    if mine >= whole:
        raise BadEntry(
            f"{chosen.label} has all {whole:,} {what} of the rows that it was chosen from; a random"
            " one would be the same. Compare a smaller one, or name another with --against."
        )


def _trained(job: Job, trial: Trial, of: str, label: str, seed: int, base: Path) -> str:
    """Train on `label` with `seed` and evaluate; the evaluation's run."""
    knob = "subset" if of == "records" else "problem_subset"
    preset = job.preset.with_seed(seed).with_knobs("data", **{knob: label})
    mine = replace(job, preset=preset)
    if of == "records":
        source = preset.data.records
        done: Done = stages.train_sft(mine, base, queries.newest(job.store, source))
        if trial.stage == "grpo":
            done = stages.train_grpo(mine, model_of(job.store, done.summary), done.run)
    else:
        done = stages.train_grpo(mine, base, None)
    trained = model_of(job.store, done.summary)
    return stages.evaluate(mine, trial.stage, trained, done.run).run


def _verdicts(job: Job, found: list[str], metric: str) -> list[dict[str, float]]:
    """Of each run: problem -> the mean of its known verdicts."""
    grader = job.preset.eval.grader
    kept = []
    for run in found:
        scores = scores_of(job.store, run, grader)
        rates = scores.group_by("problem_id").agg(pl.col(metric).mean().alias("rate"))
        kept.append(dict(rates.iter_rows()))
    return kept


def _on_the_same(
    a: list[dict[str, float]], b: list[dict[str, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """[seeds, problems] of each arm, over the problems that every run answered."""
    common = sorted(set.intersection(*(set(run) for run in (*a, *b))))

    def rows(arm: list[dict[str, float]]) -> np.ndarray:
        return np.array([[run[id] for id in common] for run in arm], dtype=float)

    return rows(a), rows(b)


def _noted(job: Job, value: dict[str, Any], chosen: Subset) -> str:
    """Keep the verdict as a run; the same trial again is the same run."""
    asked = {name: value[name] for name in ("subset", "against", "metric", "stage", "seeds_used")}
    config = asked | {"preset": job.preset.name, "grader": job.preset.eval.grader}
    evaluated = {arm: runs.fingerprint(runs=found) for arm, found in value["runs"].items()}
    inputs = {"subset": f"{chosen.label} {chosen.hash}", **{f"runs {k}": v for k, v in
              evaluated.items()}}  # fmt: skip
    run = f"ab-{runs.fingerprint(config=config, inputs=inputs)[:12]}"
    known = runs.state(job.store, run)
    if known is None or known["event"] != "done":
        seed = value["seeds_used"][0]
        runs.begin(job.store, "ab", run=run, config=config, seed=seed, inputs=inputs)
        runs.end(job.store, run, "done", value)
    return run
