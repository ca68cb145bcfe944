"""Metrics of runs by stage, and comparisons of runs on the problems that both answered.

A run is named as RUN, or as RUN/STAGE where it has several stages.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask, runs as runs_of
from evals.comparison.gain_causes import decomposition
from evals.comparison.metrics import METRICS, by_problem, compare_pairs, difference, interval
from evals.comparison.sample_metrics import sample_metrics
from evals.comparison.slices import slices
from evals.comparison.train_problems import named_train_problems, train_problems
from evals.comparison.transitions import transitions_of
from evals.graders import DEFAULT_GRADER
from evals.scores import (
    UnknownRun,
    by_stage,
    common_problems,
    compare_with_labels,
    grade_missing,
    grader_in,
    problems_by_run,
    require_scores,
    require_stage_scores,
    same_problems,
    scores_named,
    scores_of,
    unknown_run,
)
from evals.statistics import holm

LEFT_OUT = ("too_long", "bad_gold", "left_out")  # counts of problems in the summary of a run


def stages(store: Store, runs: list[str], grader: str = DEFAULT_GRADER) -> list[dict[str, Any]]:
    """One row per run and stage: n problems, the metrics with intervals, unknown answers, left_out.

    train_problems: whether any are train problems, so that the metrics are no held-out scores;
    train_problem_count: how many of the n
    left_out: problems that the evaluation was to answer and could not ask, as their prompt is too
    long or their reference answer is unreadable; requests that a server did not answer.
    If most problems have k > 1 samples, also the fields of evals.comparison.sample_metrics.
    """
    parts = {
        (run, stage): scores
        for run in runs
        for stage, scores in by_stage(require_scores(store, run, grader)).items()
    }
    counts = train_problems(store, {f"{run}/{stage}": part for (run, stage), part in parts.items()})
    return [
        {
            "stage": stage,
            "run": run,
            "train_problems": f"{run}/{stage}" in counts,
            "train_problem_count": counts.get(f"{run}/{stage}", (0, 0))[0],
            "n": scores["problem_id"].n_unique(),
            **{metric: interval(scores, metric).to_json() for metric in METRICS},
            "unknown": int(scores["answer"].null_count()),
            "left_out": _left_out(store, run),
            **sample_metrics(scores),
        }
        for (run, stage), scores in parts.items()
    ]


def _left_out(store: Store, name: str) -> int | None:
    """The sum of `too_long`, `bad_gold` and `left_out` of the summary; None where it has none."""
    state = runs_of.state(store, name.partition("/")[0])
    summary = (state or {}).get("summary") or {}
    counts = [summary[reason] for reason in LEFT_OUT if reason in summary]
    return sum(counts) if counts else None


def comparisons(
    store: Store, runs: list[str], grader: str = DEFAULT_GRADER
) -> list[dict[str, Any]]:
    """One row per pair of stages, earlier to later, and metric, on the problems both answered.

    different: ids that name different problems in the two, which are left out
    """
    parts = [
        (run, part)
        for run in runs
        for part in by_stage(require_scores(store, run, grader)).values()
    ]
    problems = problems_by_run(store, runs)
    rows = []
    for (run_a, a), (run_b, b) in itertools.combinations(parts, 2):
        _, different = same_problems((run_a, run_b), (a, b), problems)
        first, second = (_without(scores, different) for scores in (a, b))
        rows += [
            {
                "from": a["stage"][0],
                "to": b["stage"][0],
                "metric": metric,
                **difference(first, second, metric).to_json(),
                "different": len(different),
                "from_run": run_a,
                "to_run": run_b,
            }
            for metric in METRICS
        ]
    return rows


def compare(
    store: Store, run_a: str, run_b: str, grader: str = DEFAULT_GRADER, by: Sequence[str] = ()
) -> dict[str, Any]:
    """The object of `thinkbench compare`. Metrics of a and b are over their common problems.

    different: ids that name another problem in a than in b, which are no common problems
    train_problems: the names of a and b that answered train problems: no held-out scores
    train_problem_counts: for each of these names the number of train problems, and of all
    holm: p corrected for all tests in the object, metrics and slices together
    decomposition: of the verdicts by `grader`; None where it or `lenient` has no scores
    """
    names = run_a, run_b
    parts = _scores(store, names, grader)
    common = common_problems(names, parts, problems_by_run(store, names))
    return _compare(store, names, parts, common, grader, by)


def with_transitions(
    store: Store, run_a: str, run_b: str, grader: str = DEFAULT_GRADER, by: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`compare` and `transitions` of the same two stages; their scores are read once."""
    names = run_a, run_b
    parts = _scores(store, names, grader)
    common = common_problems(names, parts, problems_by_run(store, names))
    transitions = transitions_of(dict(zip(names, parts, strict=True)), common, grader)
    return _compare(store, names, parts, common, grader, by), transitions


def _scores(store: Store, names: tuple[str, str], grader: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    a, b = (require_stage_scores(store, name, grader) for name in names)
    return a, b


def _compare(
    store: Store,
    names: tuple[str, str],
    parts: tuple[pl.DataFrame, pl.DataFrame],
    common: tuple[set[str], set[str]],
    grader: str,
    by: Sequence[str],
) -> dict[str, Any]:
    a, b = parts
    both, different = common
    common_a, common_b = (_restrict(scores, both) for scores in (a, b))
    rates = [(by_problem(common_a, metric), by_problem(common_b, metric)) for metric in METRICS]
    metrics = dict(zip(METRICS, compare_pairs(rates), strict=True))
    sliced = slices(store, names[0], common_a, common_b, by)
    shown = [*metrics.values(), *sliced]
    for row, corrected in zip(shown, holm([row["p"] for row in shown]), strict=True):
        row["holm"] = corrected
    return {
        "a": names[0],
        "b": names[1],
        "grader": grader,
        **named_train_problems(store, dict(zip(names, parts, strict=True))),
        "n": len(both),
        "only_a": a["problem_id"].n_unique() - len(both) - len(different),
        "only_b": b["problem_id"].n_unique() - len(both) - len(different),
        "different": len(different),
        "metrics": metrics,
        "slices": sliced,
        "decomposition": _decomposition(store, names, both, grader, (common_a, common_b)),
    }


def grade_run(store: Store, run: str, grader: str) -> dict[str, Any]:
    """Grade the ungraded generations of `run`; the object of `thinkbench grade`.

    n counts generations. Verdicts are compared with labels where generations have them.
    """
    grade_missing(store, run, grader)
    return graded_run(store, run, grader)


def graded_run(store: Store, run: str, grader: str) -> dict[str, Any]:
    """`grade_run` of the generations that have a verdict."""
    rule = grader_in(store, grader)
    scores = scores_of(store, run, grader)
    if scores.is_empty():
        runs = _runs_with_generations(store)
        raise unknown_run(
            store,
            run,
            f"the store has no generations of run {run!r}; expected one of "
            f"{', '.join(runs) or '(no run has any)'}. Name one of them, or import generations.",
        )
    return {
        "run": run,
        "grader": rule.name,
        "version": rule.version,
        "n": scores.height,
        **{metric: interval(scores, metric).to_json() for metric in METRICS},
        "unknown": int(scores["answer"].null_count()),
        "stages": stages(store, [run], grader),
        **compare_with_labels(store, run, grader),
    }


def grade_runs(store: Store, grader: str) -> dict[str, Any]:
    """`grade_run` of every run that has generations: grader, version, runs."""
    rule = grader_in(store, grader)
    runs = _runs_with_generations(store)
    if not runs:
        raise UnknownRun("the store has no generations. Evaluate a model, or import some.")
    rows = [grade_run(store, run, grader) for run in runs]
    return {"grader": rule.name, "version": rule.version, "runs": rows}


def _runs_with_generations(store: Store) -> list[str]:
    return ask(store, "select distinct run from generations order by run")["run"].to_list()


def _decomposition(
    store: Store,
    names: tuple[str, str],
    problems: set[str],
    grader: str,
    scores: tuple[pl.DataFrame, pl.DataFrame],
) -> dict[str, Any] | None:
    """scores: of both runs by `grader` on these problems; those by `lenient` are read here"""
    by_lenient = scores
    if grader != "lenient":
        a, b = (_restrict(scores_named(store, run, "lenient"), problems) for run in names)
        by_lenient = a, b
    parts = (*scores, *by_lenient)
    return None if any(part.is_empty() for part in parts) else decomposition(*parts)


def _without(scores: pl.DataFrame, problems: set[str]) -> pl.DataFrame:
    return scores.filter(~pl.col("problem_id").is_in(sorted(problems))) if problems else scores


def _restrict(scores: pl.DataFrame, problems: set[str]) -> pl.DataFrame:
    return scores.filter(pl.col("problem_id").is_in(sorted(problems)))
