"""Problems that were trained on, and what the scores are without them."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask, files, fingerprint
from data.text import KINDS, Overlaps, overlaps, problems_of, trained_on
from evals.comparison import METRICS, interval
from evals.graders import grader as grader_of
from evals.scores import require_scores
from evals.statistics import SMALL, unpaired_difference, wilson


def overlap(
    store: Store,
    runs: Sequence[str],
    *,
    train: Sequence[str] = (),
    problems: str | None = None,
    split: str = "test",
    grader: str = "strict",
) -> dict[str, Any]:
    """The object of `thinkbench overlap`.

    runs: whose scores are told apart, as RUN or RUN/STAGE
    train: sources whose newest conversion is trained on; none named: all
    problems: the source of the problems; None: all
    """
    asked = problems_of(store, problems, split)
    trained, left_out = trained_on(store, train, split)
    by_run = {run: require_scores(store, run, grader) for run in runs}  # unknown runs fail here
    found = overlaps(asked["question"].to_list(), trained["text"].to_list())
    hits = _hits(asked, trained, found)
    any_kind = {hit["problem_id"] for hit in hits}
    every = set(asked["problem_id"])
    return {
        "split": split,
        "train": trained["source"].unique().sort().to_list(),
        "problems": asked.height,
        "trained_on": trained.height,
        "left_out": left_out,
        **{kind: _share(sum(kind in hit["kinds"] for hit in hits), asked.height) for kind in KINDS},
        "any": _share(len(hits), asked.height),
        "unsure": len(found.unsure),
        "hits": _kept(store, asked, trained, hits),
        "grader": grader,
        "scores": [
            _apart(run, scores, every, any_kind)
            for run, of_run in by_run.items()
            for scores in of_run.partition_by("stage", maintain_order=True)
        ],
    }


def graded_runs(store: Store, runs: Sequence[str], grader: str) -> list[str]:
    """Those of `runs` that have scores of this version of the grader."""
    rule = grader_of(grader)
    found = ask(
        store,
        """
        select distinct run from scores
        where run in (select unnest($runs)) and grader = $grader and grader_version = $version
        """,
        runs=list(runs),
        grader=rule.name,
        version=rule.version,
    )
    return [run for run in dict.fromkeys(runs) if run in set(found["run"])]


def _hits(asked: pl.DataFrame, trained: pl.DataFrame, found: Overlaps) -> list[dict[str, Any]]:
    """Each problem that overlaps: its id, the kinds, and of each kind what with."""
    hits: dict[int, dict[str, Any]] = {}
    for one in found.pairs:
        problem = asked.row(one.problem, named=True)
        hit = hits.setdefault(one.problem, problem | {"kinds": [], "evidence": []})
        hit["kinds"].append(one.kind)
        text = trained.row(one.trained, named=True)
        evidence = {"kind": one.kind, "shared": one.shared, "similarity": one.similarity}
        hit["evidence"].append(evidence | text)
    return list(hits.values())


def _kept(
    store: Store, asked: pl.DataFrame, trained: pl.DataFrame, hits: list[dict[str, Any]]
) -> str:
    """The path of a JSONL file in the store, with a hit a line."""
    texts = trained.select("record_id", "problem_id").rows()
    digest = fingerprint(problems=asked["problem_id"].to_list(), trained=texts, hits=hits)
    path = f"overlap/{digest[:12]}.jsonl"
    lines = "".join(f"{json.dumps(hit, ensure_ascii=False)}\n" for hit in hits)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode())])
    return str(store.folder / path)


def _share(count: int, n: int) -> dict[str, Any]:
    return {"count": count, **wilson(count, n).to_json()}


def _apart(run: str, scores: pl.DataFrame, every: set[str], hit: set[str]) -> dict[str, Any]:
    """One stage by metric: all its problems that were looked at, the clean ones, the others."""
    answered = set(scores["problem_id"])
    groups = {
        "all": answered & every,
        "clean": (answered & every) - hit,
        "overlapping": answered & hit,
    }
    value: dict[str, Any] = {
        "run": run.partition("/")[0],
        "stage": scores["stage"][0],
        "not_looked_at": len(answered - every),
    }
    for metric in METRICS:
        of = {
            name: interval(scores.filter(pl.col("problem_id").is_in(list(ids))), metric)
            for name, ids in groups.items()
        }
        value[metric] = {
            **{name: one.to_json() | {"small": one.n < SMALL} for name, one in of.items()},
            "difference": unpaired_difference(of["clean"], of["overlapping"]).to_json(),
        }
    return value
