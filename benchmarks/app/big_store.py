"""A store of many made generations, for timings: python -m benchmarks.app.big_store FOLDER

`--generations` of 2 KB each (a million by default) in runs of 5,000 problems with 8 answers, with
verdicts of `strict` and failure categories, and one GRPO run with its metrics and rollouts. What
the runs score goes up with the stage; nothing else in the rows means anything.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from data.store import TABLES, Store, add, add_generations, open_store, runs
from evals.failures import CATEGORIES, VERSION
from evals.graders import GRADERS

PROBLEMS = 5_000
SAMPLES = 8
CHARACTERS = 2_000  # of a text
STAGES = {"base": 0.3, "sft": 0.5, "grpo": 0.7}  # share that is right
WORDS = "so the sum of all boxes is then added to what each has left and we see that it makes"
ROLLOUT_STEPS, GROUPS, GROUP = 500, 8, 8
PER_STEP = {  # metric -> start and end
    "rollout/reward": (1.0, 3.0),
    "rollout/tokens": (180.0, 220.0),
    "rollout/truncated": (0.2, 0.02),
    "rollout/empty": (0.01, 0.0),
    "rollout/zero_variance_groups": (0.1, 0.5),
    "rollout/format": (0.5, 1.0),
    "rollout/answer": (0.4, 0.7),
    "actor/train/kl": (0.0, 0.8),
    "actor/train/entropy": (1.2, 0.4),
    "actor/train/loss": (0.1, 0.0),
}


def fill(store: Store, generations: int, seed: int = 0) -> None:
    """Add problems, runs with `generations` in all, and a GRPO run; nothing twice."""
    draw = np.random.default_rng(seed)
    problems = min(PROBLEMS, max(1, generations // (SAMPLES * len(STAGES))))
    _problems(store, problems, draw)
    prose = _prose(draw)
    for number, n in enumerate(_sizes(generations, problems * SAMPLES)):
        stage = list(STAGES)[number % len(STAGES)]
        _evaluation(store, f"eval-{number:03d}-{stage}", stage, problems, n, prose, draw)
    _grpo(store, problems, prose, draw)


def _sizes(generations: int, most: int) -> Iterator[int]:
    while generations > 0:
        yield min(most, generations)
        generations -= most


def _prose(draw: np.random.Generator) -> str:
    """Fifty million characters, six times as many as a row group of texts has."""
    words = np.array([*WORDS.split(), *(f"{n} + {n * 7} = {n * 8}" for n in range(5_000))])
    return " ".join(draw.choice(words, 2_500_000))


def _problems(store: Store, n: int, draw: np.random.Generator) -> None:
    rows = pl.DataFrame(
        {
            "problem_id": [_problem(number) for number in range(n)],
            "record_id": [_problem(number) for number in range(n)],
            "source": [f"made-{number % 3}" for number in range(n)],
            "split": ["test"] * n,
            "question": [f"How many pens are in {number} boxes of 7?" for number in range(n)],
            "gold": [str(7 * number) for number in range(n)],
            "steps": draw.integers(2, 9, n).astype(np.int32),
        }
    )
    with _run(store, "made-problems", "ingest", None):
        add(store, "problems", rows, run="made-problems")


def _problem(number: int) -> str:
    return f"problem-{number:06d}"


@contextmanager
def _run(store: Store, run: str, kind: str, stage: str | None) -> Iterator[None]:
    """Begin a run, and end it as done."""
    runs.begin(store, kind, run=run, stage=stage, config={}, seed=0, inputs={})
    yield
    runs.end(store, run, "done", {})


def _evaluation(
    store: Store,
    run: str,
    stage: str,
    problems: int,
    n: int,
    prose: str,
    draw: np.random.Generator,
) -> None:
    numbers = np.arange(n) // SAMPLES % problems
    names = [_problem(number) for number in numbers.tolist()]
    right = draw.random(n) < STAGES[stage]
    starts = draw.integers(0, len(prose) - CHARACTERS, n)
    stated = np.where(right, 7 * numbers, 7 * numbers + draw.integers(1, 50, n))
    common = {
        "generation_id": [f"{name}:{i % SAMPLES:03d}:{run}" for i, name in enumerate(names)],
        "run": [run] * n,
        "stage": [stage] * n,
        "problem_id": names,
        "sample": (np.arange(n) % SAMPLES).astype(np.int32),
    }
    size = {
        "tokens": draw.integers(20, 900, n).astype(np.int32),
        "finish": np.where(draw.random(n) < 0.05, "length", "stop").tolist(),
    }
    texts = [
        f"<reasoning>{prose[start : start + CHARACTERS]}</reasoning>\n<answer>{answer}</answer>"
        for start, answer in zip(starts.tolist(), stated.tolist(), strict=True)
    ]
    generations = {
        **common,
        **size,
        "text": texts,
        "seed": [0] * n,
        "settings": ["{}"] * n,
        "label": [None] * n,
    }
    scores = {
        **common,
        **size,
        "grader": ["strict"] * n,
        "grader_version": [GRADERS["strict"].version] * n,
        "format": draw.random(n) < 0.95,
        "extracted": stated.astype(str),
        "correct": right,
        "partial": right | (draw.random(n) < 0.1),
        "reason": [None] * n,
    }
    with _run(store, run, "eval", stage):
        add_generations(
            store,
            _frame("generations", generations),
            _frame("scores", scores),
            run=run,
            stage=stage,
        )
        add(store, "failures", _failures(common, right, draw), run=run, stage=stage)


def _frame(table: str, columns: dict) -> pl.DataFrame:
    return pl.DataFrame({name: columns[name] for name in TABLES[table]}, schema=TABLES[table])


def _failures(common: dict, right: np.ndarray, draw: np.random.Generator) -> pl.DataFrame:
    names = np.array(list(CATEGORIES))[draw.integers(0, len(CATEGORIES), len(right))]
    categories = [
        [] if fine else [{"name": name, "start": 0, "end": 9}]
        for fine, name in zip(right.tolist(), names.tolist(), strict=True)
    ]
    return _frame(
        "failures", {**common, "version": [VERSION] * len(right), "categories": categories}
    )


def _grpo(store: Store, problems: int, prose: str, draw: np.random.Generator) -> None:
    run, n = "grpo-made", ROLLOUT_STEPS * GROUPS * GROUP
    step = np.repeat(np.arange(1, ROLLOUT_STEPS + 1), GROUPS * GROUP)
    right = draw.random(n) < 0.4 + 0.3 * step / ROLLOUT_STEPS
    form = draw.random(n) < 0.9
    reward = right * 3.0 + form * 0.5
    by_group = reward.reshape(-1, GROUP)
    spread = by_group.std(axis=1, keepdims=True)
    advantage = ((by_group - by_group.mean(axis=1, keepdims=True)) / (spread + 1e-6)).reshape(-1)
    starts = draw.integers(0, len(prose) - 600, n).tolist()
    rollouts = pl.DataFrame(
        {
            "run": run,
            "step": step,
            "group": np.tile(np.repeat(np.arange(GROUPS), GROUP), ROLLOUT_STEPS),
            "sample": np.tile(np.arange(GROUP, dtype=np.int32), ROLLOUT_STEPS * GROUPS),
            "problem_id": [
                _problem(p)
                for p in np.repeat(draw.integers(0, problems, n // GROUP), GROUP).tolist()
            ],
            "text": [f"<reasoning>{prose[at : at + 600]}</reasoning>" for at in starts],
            "tokens": draw.integers(20, 300, n).astype(np.int32),
            "finish": "stop",
            "rewards": [
                [
                    {"name": "answer", "value": float(a), "weight": 3.0},
                    {"name": "exact_format", "value": float(f), "weight": 0.5},
                ]
                for a, f in zip(right, form, strict=True)
            ],
            "reward": reward,
            "advantage": advantage,
            "attempt": 0,
            "discarded": False,
        },
        schema=TABLES["rollouts"],
    )
    with _run(store, run, "grpo", "grpo"):
        add(store, "rollouts", rollouts, run=run)
        add(store, "metrics", _metrics(run, draw), run=run)


def _metrics(run: str, draw: np.random.Generator) -> pl.DataFrame:
    steps = np.arange(1, ROLLOUT_STEPS + 1)
    parts = [
        (steps, name, np.linspace(first, last, len(steps)) * draw.normal(1, 0.05, len(steps)))
        for name, (first, last) in PER_STEP.items()
    ]
    parts += [(steps[400:410], "guard/KL", np.full(10, 11.0))]
    parts += [(np.arange(0, ROLLOUT_STEPS, 50), "heldout/answer", np.linspace(0.4, 0.7, 10))]
    at = datetime.now(UTC)
    frames = [
        pl.DataFrame(
            {"run": run, "step": at_steps, "name": name, "value": values, "at": at},
            schema=TABLES["metrics"],
        )
        for at_steps, name, values in parts
    ]
    return pl.concat(frames)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--generations", type=int, default=1_000_000)
    arguments = parser.parse_args()
    began = time.perf_counter()
    fill(open_store(arguments.folder), arguments.generations)
    print(f"{arguments.generations} generations in {time.perf_counter() - began:.0f} s")
