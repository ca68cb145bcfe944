"""Clusters of the generations of a run by meaning, each with a name: exploratory, not a verdict.

k-means of vectors that are centred first, so that what all texts share counts for nothing. The
same generations give the same clusters, names and order.
"""

import math
import warnings
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.progress import ProgressReporter
from data.store import Store, ask, within
from evals.scores import default_grader, grade_missing, grader_in
from evals.similarity.names import cluster_names
from evals.similarity.nearest import excerpts
from evals.similarity.static_model import METHOD
from evals.similarity.vectors import runs_with_generations, vectors_of

MOST = 50  # clusters where no number is named
ROUNDS = 25  # of k-means
EQUAL = 1e-3  # distance from the mean of all up to which a text counts as equal to it: rounding


def clusters_of(
    store: Store,
    run: str,
    field: str,
    bar: ProgressReporter,
    *,
    grader: str | None = None,
    incorrect: bool = False,
    against: str | None = None,
    number: int | None = None,
) -> dict[str, Any]:
    """The object of `thinkbench clusters`: the largest first; sizes by stage, a name, a medoid.

    incorrect: only generations whose answer `grader` calls incorrect; unknown verdicts are not
    against: a run that is clustered with it: which clusters only one of the two has
    """
    names = [run] if against in (None, run) else [run, against]
    rule = grader or default_grader(store, names)
    for name in names:
        runs_with_generations(store, name)
    rows, matrix = vectors_of(store, names, field, bar)
    if incorrect:
        for name in names:
            grade_missing(store, name, rule)
        chosen = rows["generation_id"].is_in(_incorrect(store, names, rule).implode()).to_numpy()
        rows, matrix = rows.filter(chosen), matrix[chosen]
    if rows.is_empty():
        raise UserError(
            f"{' and '.join(names)} have no {'incorrect ' * incorrect}generation with a {field};"
            " expected one at least. Choose another run, field or grader."
        )
    labels, centred = labelled(matrix, number)
    return {
        "run": run,
        "against": against,
        "in": field,
        "grader": rule if incorrect else None,
        "method": METHOD,
        "exploratory": True,
        "n": rows.height,
        "clusters": _described(store, rows, labels, centred, field, (run, against)),
    }


def labelled(matrix: np.ndarray, number: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each row, and the rows centred and of length one.

    Clusters are numbered by size, the largest first; of equal ones that of the first row is first.

    matrix: [rows, dimensions]  int8
    returns: [rows]  int;  [rows, dimensions]  float32
    """
    from scipy.cluster.vq import kmeans2

    rows = matrix.astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows -= rows.mean(axis=0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(lengths > EQUAL, rows / np.maximum(lengths, EQUAL), 0).astype(np.float32)
    distinct = len(np.unique(rows, axis=0))
    n = min(number or min(MOST, max(1, round(math.sqrt(len(rows) / 2)))), distinct)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster is left out here
        _, raw = kmeans2(rows, n, iter=ROUNDS, minit="++", rng=np.random.default_rng(0))
    present, firsts, sizes = np.unique(raw, return_index=True, return_counts=True)
    order = present[np.lexsort((firsts, -sizes))]
    position = np.full(n, -1)
    position[order] = np.arange(len(order))
    return position[raw], rows


def map_of(centred: np.ndarray) -> np.ndarray:
    """Each row on the plane of the two directions in which rows differ most (PCA).

    returns: [rows, 2]  float32
    """
    _, directions = np.linalg.eigh(centred.T @ centred)
    plane = directions[:, [-1, -2]]
    signs = np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])  # eigh leaves them open
    return centred @ (plane * np.where(signs == 0, 1, signs))


def _described(
    store: Store,
    rows: pl.DataFrame,
    labels: np.ndarray,
    centred: np.ndarray,
    field: str,
    runs: tuple[str, str | None],
) -> list[dict[str, Any]]:
    run, against = runs
    medoids = [_medoid(centred, np.flatnonzero(labels == one)) for one in range(labels.max() + 1)]
    shown = excerpts(store, rows[medoids], field)
    points = map_of(centred)
    described = []
    names = cluster_names(store, rows, labels, field)
    for one, (medoid, (name, terms)) in enumerate(zip(medoids, names, strict=True)):
        members = rows.filter(pl.Series(labels == one))
        by_run = dict(members["run"].value_counts().iter_rows())
        x, y = points[labels == one].mean(axis=0)
        row = rows.row(medoid, named=True)
        described.append(
            {
                "cluster": one + 1,
                "name": name,
                "terms": terms,
                "n": by_run.get(run, 0),
                "against_n": by_run.get(against, 0) if against else None,
                "only_in": _only_in(by_run, runs),
                "stages": dict(
                    members.filter(run=run)["stage"].value_counts(sort=True).iter_rows()
                ),
                "problems": members["problem_id"].n_unique(),
                "medoid": {"generation_id": row["generation_id"], **shown[row["generation_id"]]},
                "x": round(float(x), 4),
                "y": round(float(y), 4),
            }
        )
    return described


def _only_in(by_run: dict[str, int], runs: tuple[str, str | None]) -> str | None:
    """The run that alone has generations of a cluster, of two that are compared; else None."""
    if None in runs or runs[0] == runs[1]:
        return None
    present = [run for run in runs if run and by_run.get(run)]
    return present[0] if len(present) == 1 else None


def _medoid(centred: np.ndarray, members: np.ndarray) -> int:
    """The member that is nearest to the mean of all; of equal ones the first."""
    mean = centred[members].mean(axis=0)
    return int(members[np.argmax(np.round(centred[members] @ mean, 5))])


def _incorrect(store: Store, runs: list[str], grader: str) -> pl.Series:
    return ask(
        within(store, runs),
        """
        select distinct generation_id from current_scores
        where list_contains($runs, run) and grader = $grader and grader_version = $version
            and correct = false
        """,
        runs=runs,
        grader=grader,
        version=grader_in(store, grader).version,
    )["generation_id"]
