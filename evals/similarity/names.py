"""Names of clusters: the words that are common in one and rare in the others."""

import math
from collections import Counter

import numpy as np
import polars as pl

from data.duplicates import words
from data.store import Store, ask, within
from evals.similarity.vectors import text_of

TERMS = 6  # of a cluster
IN_NAME = 4
LEAST, TIMES = 0.08, 1.8  # share of a cluster that a term has at least, and times that elsewhere
READ = 200  # texts of a cluster that are read, evenly spread
LONGEST_TEXT, LONGEST_WORD = 5_000, 30  # characters


def cluster_names(
    store: Store, rows: pl.DataFrame, labels: np.ndarray, field: str
) -> list[tuple[str, list[str]]]:
    """A name and its terms for each cluster; no two names are equal."""
    read = np.sort(np.concatenate([_spread(np.flatnonzero(labels == one))
                                   for one in range(labels.max() + 1)]))  # fmt: skip
    texts = _texts(store, rows[read], field)
    terms = terms_of(texts, labels[read].tolist(), rows[read]["problem_id"].to_list())
    names: list[str] = []
    for number, of_cluster in enumerate(terms, 1):
        name = " · ".join(of_cluster[:IN_NAME]) or "(no words of its own)"
        names.append(f"{name} ({number})" if name in names else name)
    return list(zip(names, terms, strict=True))


def terms_of(texts: list[str], labels: list[int], problems: list[str]) -> list[list[str]]:
    """For each cluster the words with the largest share x log(share / share elsewhere).

    Shares are of the problems in a cluster: several answers to one problem repeat its words.
    """
    by_problem: dict[tuple[int, str], set[str]] = {}
    for text, label, problem in zip(texts, labels, problems, strict=True):
        by_problem.setdefault((label, problem), set()).update(_vocabulary(text))
    sizes = Counter(label for label, _ in by_problem)
    n_of = [Counter() for _ in range(max(labels) + 1)]
    for (label, _), vocabulary in by_problem.items():
        n_of[label].update(vocabulary)
    overall = sum(n_of, Counter())
    return [
        _terms(counts, sizes[label], overall, len(by_problem)) for label, counts in enumerate(n_of)
    ]


def _terms(counts: Counter[str], size: int, overall: Counter[str], n: int) -> list[str]:
    """The terms of a cluster of `size` problems, of `n` in all."""
    ranked = []
    for word, count in counts.items():
        share, elsewhere = count / size, (overall[word] - count + 1) / (n - size + 2)
        if share < LEAST or (size < n and share < TIMES * elsewhere):
            continue
        ranked.append((-round(share * math.log(share / elsewhere), 9), word))
    return [word for _, word in sorted(ranked)[:TERMS]]


def _vocabulary(text: str) -> set[str]:
    return {word[:LONGEST_WORD] for word in words(text) if word[0].isalpha()}


def _spread(members: np.ndarray) -> np.ndarray:
    return members[np.linspace(0, len(members) - 1, min(READ, len(members))).astype(int)]


def _texts(store: Store, rows: pl.DataFrame, field: str) -> list[str]:
    """The texts of `field`, in the order of `rows`."""
    runs = rows["run"].unique().to_list()
    stored = ask(
        within(store, runs),
        """
        select distinct on (generation_id) generation_id, question, text
        from answered_generations where generation_id in (select unnest($ids))
        """,
        ids=rows["generation_id"].to_list(),
    )
    texts = {row["generation_id"]: text_of(row, field)[:LONGEST_TEXT]
             for row in stored.iter_rows(named=True)}  # fmt: skip
    return [texts[one] for one in rows["generation_id"]]
