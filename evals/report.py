"""Scores of runs as the numbers that people read: by stage, compared, and against labels."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data import files
from data.schema import TABLES
from data.store import Store, add, ask
from evals.graders import grader as grader_of
from evals.statistics import Interval, mean_of_clusters, paired, wilson

METRICS = ("format", "answer", "partial")
COLUMN = {"format": "format", "answer": "correct", "partial": "partial"}
GRADED_AT_A_TIME = 20_000  # generations in memory while a run is graded


class UnknownRun(ValueError):
    """The store has no generations or scores of this run."""


def graded(generations: pl.DataFrame, grader: str) -> pl.DataFrame:
    """The verdicts of `grader` on `generations` (with a column `gold`), as rows of `scores`."""
    rule = grader_of(grader)
    verdicts = [
        rule.grade(text, gold)
        for text, gold in zip(generations["text"], generations["gold"], strict=True)
    ]
    columns = TABLES["scores"]
    return generations.select(
        "generation_id",
        "run",
        "stage",
        "problem_id",
        "sample",
        pl.lit(rule.name).alias("grader"),
        pl.lit(rule.version).alias("grader_version"),
        *(
            pl.Series(name, [getattr(verdict, name) for verdict in verdicts], columns[name])
            for name in ("format", "extracted", "correct", "partial", "reason")
        ),
        "tokens",
        "finish",
    )


def scores_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """problem_id, stage, sample, format, answer, partial: verdicts of the grader's version."""
    rule = grader_of(grader)
    return ask(
        store,
        """
        select problem_id, stage, sample, format, correct as answer, partial
        from scores
        where run = $run and grader = $grader and grader_version = $version
        qualify row_number() over (partition by generation_id order by generation_id) = 1
        order by stage, problem_id, sample
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )


def interval(scores: pl.DataFrame, metric: str) -> Interval:
    """The metric over `scores` with its interval; n is the number of problems decided."""
    known = scores.filter(pl.col(metric).is_not_null())
    by_problem = known.group_by("stage", "problem_id").agg(pl.col(metric).mean(), pl.len())
    if by_problem.is_empty() or by_problem["len"].max() == 1:
        return wilson(int(known[metric].sum()), known.height)
    return mean_of_clusters(by_problem[metric].to_numpy())


def stages(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """One row a run: stage, n problems, and each metric with its interval."""
    rows = []
    for run in runs:
        scores = _scored(store, run, grader)
        for (stage,), part in scores.group_by("stage", maintain_order=True):
            row = {"stage": stage, "run": run, "n": part["problem_id"].n_unique()}
            rows.append(row | {metric: interval(part, metric).to_json() for metric in METRICS})
    return rows


def comparisons(store: Store, runs: list[str], grader: str = "strict") -> list[dict[str, Any]]:
    """Each pair of runs, earlier to later, by metric, on the problems that both answered."""
    scores = {run: _scored(store, run, grader) for run in runs}
    rows = []
    for a, b in itertools.combinations(runs, 2):
        for metric in METRICS:
            found = difference(scores[a], scores[b], metric)
            rows.append(
                {
                    "from": scores[a]["stage"][0],
                    "to": scores[b]["stage"][0],
                    "metric": metric,
                    **{key: found[key] for key in ("difference", "low", "high", "p", "n")},
                    **{key: found[key] for key in ("fixed", "broken", "unknown")},
                }
            )
    return rows


def compare(store: Store, run_a: str, run_b: str, grader: str = "strict") -> dict[str, Any]:
    """The object of `thinkbench compare`."""
    a, b = _scored(store, run_a, grader), _scored(store, run_b, grader)
    common = set(a["problem_id"]) & set(b["problem_id"])
    metrics = {}
    for metric in METRICS:
        found = difference(a, b, metric)
        metrics[metric] = {
            "a": interval(a.filter(pl.col("problem_id").is_in(common)), metric).to_json(),
            "b": interval(b.filter(pl.col("problem_id").is_in(common)), metric).to_json(),
            **found,
        }
    only_a, only_b = (len(set(x["problem_id"]) - common) for x in (a, b))
    return {
        "a": run_a,
        "b": run_b,
        "grader": grader,
        "n": len(common),
        "only_a": only_a,
        "only_b": only_b,
        "metrics": metrics,
    }


def difference(a: pl.DataFrame, b: pl.DataFrame, metric: str) -> dict[str, Any]:
    """`paired` on the problems that both frames hold, as plain values."""
    left, right = _matrix(a, metric), _matrix(b, metric)
    both = sorted(left.keys() & right.keys())
    width = {len(rows[problem]) for rows in (left, right) for problem in both}
    if width <= {1}:
        values = [np.array([rows[problem] for problem in both]) for rows in (left, right)]
    else:
        # numbers of samples may differ between problems and runs: compare the problems' means
        values = [np.array([[np.mean(rows[p])] * 2 for p in both]) for rows in (left, right)]
    found = paired(values[0].reshape(len(both), -1), values[1].reshape(len(both), -1))
    return dict(vars(found))


def _matrix(scores: pl.DataFrame, metric: str) -> dict[str, list[float]]:
    """Problem -> its verdicts, 1, 0 or nan."""
    values = scores.select("problem_id", pl.col(metric).cast(pl.Float64).fill_null(np.nan))
    return dict(values.group_by("problem_id").agg(metric).iter_rows())


def _scored(store: Store, run: str, grader: str) -> pl.DataFrame:
    scores = scores_of(store, run, grader)
    if scores.is_empty():
        known = ask(store, "select distinct run from scores order by run")["run"].to_list()
        raise UnknownRun(
            f"no scores of run {run!r} by {grader!r}; scored runs: {', '.join(known) or 'none'}."
            f" Grade it first: thinkbench grade --run {run} --grader {grader}"
        )
    return scores


def grade_run(store: Store, run: str, grader: str) -> dict[str, Any]:
    """Grade the stored generations of `run`, unless done; the object of `thinkbench grade`."""
    rule = grader_of(grader)
    generations = ask(
        store,
        """
        select g.*, p.gold, p.question
        from generations g
        left join (select problem_id, any_value(gold) as gold, any_value(question) as question
                   from problems group by problem_id) p using (problem_id)
        where g.run = $run
        order by g.stage, g.problem_id, g.sample
        """,
        run=run,
    )
    if generations.is_empty():
        known = ask(store, "select distinct run from generations order by run")["run"].to_list()
        raise UnknownRun(
            f"no generations of run {run!r}; runs with generations: {', '.join(known) or 'none'}"
        )
    generations = generations.with_columns(pl.col("gold").fill_null(""))
    done = ask(
        store,
        """
        select distinct generation_id from scores
        where run = $run and grader = $grader and grader_version = $version
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )["generation_id"]
    missing = generations.filter(~pl.col("generation_id").is_in(done.implode()))
    for (stage,), part in missing.group_by("stage", maintain_order=True):
        for start in range(0, part.height, GRADED_AT_A_TIME):
            scores = graded(part.slice(start, GRADED_AT_A_TIME), grader)
            add(store, "scores", scores, run=run, stage=str(stage))
    scores = scores_of(store, run, grader)
    labelled = generations.filter(pl.col("label").is_not_null())
    return {
        "run": run,
        "grader": rule.name,
        "version": rule.version,
        "n": scores.height,
        **{metric: interval(scores, metric).to_json() for metric in METRICS},
        "unknown": int(scores["answer"].null_count()),
        **(_against_labels(store, run, labelled, grader) if labelled.height else {}),
    }


def _against_labels(
    store: Store, run: str, labelled: pl.DataFrame, grader: str
) -> dict[str, Any]:
    """agree, disagree (an undecided verdict disagrees), and the file that lists the latter."""
    verdicts = graded(labelled, grader)
    rows = labelled.with_columns(verdicts["extracted"], verdicts["correct"], verdicts["reason"])
    apart = rows.filter(~pl.col("correct").eq_missing(pl.col("label")))
    columns = ["stage", "problem_id", "sample", "label", "correct", "extracted", "gold", "reason"]
    columns += ["question", "text"]
    lines = [json.dumps(row, ensure_ascii=False) for row in apart.select(columns).to_dicts()]
    content = "".join(f"{line}\n" for line in lines).encode()
    path = Path("grades") / run / f"{grader}-disagreements.jsonl"
    files.publish(store.folder, [(files.stage(store.folder, content), str(path))])
    return {
        "agree": labelled.height - apart.height,
        "disagree": apart.height,
        "disagreements": str(store.folder / path),
    }
