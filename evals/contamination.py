"""Contamination: evaluation problems that overlap with training texts, and scores without them."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from data.duplicates import KINDS, Overlaps, overlaps, problems_of, trained_on
from data.store import Store, ask, files, fingerprint
from evals.comparison import METRICS, interval
from evals.graders import DEFAULT_GRADER
from evals.scores import grader_in, require_scores
from evals.statistics import SMALL, unpaired_difference, wilson


def overlap(
    store: Store,
    runs: Sequence[str],
    *,
    train: Sequence[str] = (),
    problems: str | None = None,
    split: str = "test",
    grader: str = DEFAULT_GRADER,
) -> dict[str, Any]:
    """The object of `thinkbench overlap`.

    runs: whose scores are split into clean and overlapping problems, as RUN or RUN/STAGE
    train: sources whose newest conversion is the training text; empty: all
    problems: the source of the problems; None: all
    """
    evaluated = problems_of(store, problems, split)
    trained, left_out = trained_on(store, train, split)
    by_run = {run: require_scores(store, run, grader) for run in runs}  # unknown runs fail here
    overlapping = overlaps(evaluated["question"].to_list(), trained["text"].to_list())
    hits = _hits(evaluated, trained, overlapping)
    hit_ids = {hit["problem_id"] for hit in hits}
    evaluated_ids = set(evaluated["problem_id"])
    return {
        "split": split,
        "train": trained["source"].unique().sort().to_list(),
        "problems": evaluated.height,
        "trained_on": trained.height,
        "left_out": left_out,
        **{
            kind: _share(sum(kind in hit["kinds"] for hit in hits), evaluated.height)
            for kind in KINDS
        },
        "any": _share(len(hits), evaluated.height),
        "unsure": len(overlapping.unsure),
        "hits": _write_hits(store, evaluated, trained, hits),
        "grader": grader,
        "scores": [
            _split_metrics(run, scores, evaluated_ids, hit_ids)
            for run, of_run in by_run.items()
            for scores in of_run.partition_by("stage", maintain_order=True)
        ],
    }


def graded_runs(store: Store, runs: Sequence[str], grader: str) -> list[str]:
    """The `runs` that have scores by the current version of the grader."""
    rule = grader_in(store, grader)
    graded = ask(
        store,
        """
        select distinct run from scores
        where run in (select unnest($runs)) and grader = $grader and grader_version = $version
        """,
        runs=list(runs),
        grader=rule.name,
        version=rule.version,
    )
    return [run for run in dict.fromkeys(runs) if run in set(graded["run"])]


def _hits(
    evaluated: pl.DataFrame, trained: pl.DataFrame, overlaps: Overlaps
) -> list[dict[str, Any]]:
    """Each overlapping problem: its columns, and the kinds of overlap with their evidence."""
    hits: dict[int, dict[str, Any]] = {}
    for pair in overlaps.pairs:
        problem = evaluated.row(pair.problem, named=True)
        hit = hits.setdefault(pair.problem, problem | {"kinds": [], "evidence": []})
        hit["kinds"].append(pair.kind)
        text = trained.row(pair.trained, named=True)
        evidence = {"kind": pair.kind, "shared": pair.shared, "similarity": pair.similarity}
        hit["evidence"].append(evidence | text)
    return list(hits.values())


def _write_hits(
    store: Store, evaluated: pl.DataFrame, trained: pl.DataFrame, hits: list[dict[str, Any]]
) -> str:
    """Write a JSONL file with one hit per line into the store; returns its path."""
    texts = trained.select("record_id", "problem_id").rows()
    digest = fingerprint(problems=evaluated["problem_id"].to_list(), trained=texts, hits=hits)
    path = f"overlap/{digest[:12]}.jsonl"
    lines = "".join(f"{json.dumps(hit, ensure_ascii=False)}\n" for hit in hits)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode())])
    return str(store.folder / path)


def _share(count: int, n: int) -> dict[str, Any]:
    return {"count": count, **wilson(count, n).to_json()}


def _split_metrics(
    run: str, scores: pl.DataFrame, evaluated: set[str], hits: set[str]
) -> dict[str, Any]:
    """The metrics of one stage: over all evaluated problems, the clean and the overlapping ones."""
    answered = set(scores["problem_id"])
    groups = {
        "all": answered & evaluated,
        "clean": (answered & evaluated) - hits,
        "overlapping": answered & hits,
    }
    value: dict[str, Any] = {
        "run": run.partition("/")[0],
        "stage": scores["stage"][0],
        "not_looked_at": len(answered - evaluated),
    }
    for metric in METRICS:
        intervals = {
            name: interval(scores.filter(pl.col("problem_id").is_in(list(ids))), metric)
            for name, ids in groups.items()
        }
        value[metric] = {
            **{name: i.to_json() | {"small": i.n < SMALL} for name, i in intervals.items()},
            "difference": unpaired_difference(
                intervals["clean"], intervals["overlapping"]
            ).to_json(),
        }
    return value
