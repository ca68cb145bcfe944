"""Failure rate of the problems most similar to a record or a defect, and of the remaining problems.

Similarity is the cosine of TF-IDF vectors of words (Salton and Buckley 1988). The result is an
association: that a record is similar to a problem does not show what training on it did.

TF-IDF is computed here, in 30 lines, because no dependency has it: scikit-learn is not one, and
nothing else here would use it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from data.audit import find
from data.duplicates import words
from data.errors import UserError
from data.sources import WrongShape, turns
from data.store import Store, ask, within
from evals.graders import DEFAULT_GRADER
from evals.scores import require_stage_scores
from evals.statistics import SMALL, mean_of_clusters, unpaired_difference

NEAREST = 10  # problems per record
NEAREST_OF_DEFECT = 3  # problems per record with the defect
RECORDS = 500  # with the defect that are compared, by id
MIN_SIMILARITY = 0.2


def near_record(
    store: Store, record: str, run: str, grader: str = DEFAULT_GRADER
) -> dict[str, Any]:
    """Failures of `run` on the problems most similar to a record's prompt, and on the rest."""
    row = find(store, record)
    text = _prompt(row["shape"], row["body"])
    if text is None:
        raise UserError(
            f"record {row['record_id']} has no prompt in the shape {row['shape']!r}, so no problem"
            " is similar to it. Name another record."
        )
    return {"record": row["record_id"], **_near(store, [text], run, grader, NEAREST)}


def near_defect(
    store: Store, defect: str, run: str, grader: str = DEFAULT_GRADER
) -> dict[str, Any]:
    """Failures of `run` on the problems most similar to records with a defect, and on the rest."""
    records = ask(
        store,
        """
        select distinct record_id from record_conversions
        where list_contains([d.phrase for d in defects], $defect) order by record_id
        """,
        defect=defect,
    )
    if records.is_empty():
        defects = ask(
            store, "select distinct unnest(defects).phrase as phrase from conversions order by 1"
        )
        raise UserError(
            f"no record has the defect {defect!r}; expected one of:"
            f" {', '.join(defects['phrase']) or '(the store has none)'}."
        )
    rows = ask(
        store,
        """
        select shape, body from source_records
        where list_contains($ids::varchar[], record_id) order by record_id
        """,
        ids=records["record_id"].head(RECORDS).to_list(),
    )
    prompts = [_prompt(shape, body) for shape, body in rows.iter_rows()]
    texts = [text for text in prompts if text is not None]
    value = _near(store, texts, run, grader, NEAREST_OF_DEFECT)
    return {"defect": defect, "records": records.height, "looked_at": len(texts), **value}


def _prompt(shape: str, body: str) -> str | None:
    """The prompt of a row, trained on or not; None where the row does not have its shape."""
    try:
        return turns(shape, json.loads(body), first_exchange=True, trained=False).prompt
    except WrongShape:
        return None


def _near(store: Store, texts: list[str], run: str, grader: str, most: int) -> dict[str, Any]:
    """near, others: failure rate with n and interval; difference; problems, most similar first.

    The failure rate of a problem is the share of its samples that are not right. `unknown` counts
    the problems of which a sample has no verdict.
    """
    rates = (
        require_stage_scores(store, run, grader)
        .group_by("problem_id")
        .agg(
            (1 - pl.col("answer").cast(pl.Float64).sum() / pl.len()).alias("failed"),
            (pl.col("answer").null_count() > 0).alias("unknown"),
        )
    )
    questions = ask(
        within(store, [run.partition("/")[0]]),
        "select problem_id, question from answered_problems"
        " where run = $run and question is not null",
        run=run.partition("/")[0],
    )
    rows = rates.join(questions, on="problem_id").sort("problem_id")
    similarities = most_similar(texts, rows["question"].to_list(), most)
    order = sorted(similarities, key=lambda index: (-similarities[index], index))
    failed = rows["failed"].to_numpy()
    mask = np.zeros(rows.height, bool)
    mask[order] = True
    near, rest = mean_of_clusters(failed[mask]), mean_of_clusters(failed[~mask])
    return {
        "run": run,
        "grader": grader,
        "near": near.to_json(),
        "others": rest.to_json(),
        "difference": unpaired_difference(rest, near).to_json(),
        "small": min(near.n, rest.n) < SMALL,
        "unknown": int(rows["unknown"].sum()),
        "problems": [
            {
                **rows.drop("unknown").row(index, named=True),
                "similarity": round(similarities[index], 3),
            }
            for index in order
        ],
    }


def most_similar(texts: Sequence[str], questions: Sequence[str], most: int) -> dict[int, float]:
    """Index of a question -> its similarity to the text that is most similar to it.

    For each text the `most` similar questions of at least MIN_SIMILARITY; ties go to the earlier.
    """
    if not texts or not questions:
        return {}
    bags = [Counter(words(question)) for question in questions]
    vocabulary = {word: column for column, word in enumerate(sorted({w for b in bags for w in b}))}
    frequency = Counter(word for bag in bags for word in bag)
    weight = np.array([np.log(len(bags) / frequency[word]) + 1 for word in vocabulary])
    matrix = _vectors(bags, vocabulary, weight)
    similarities: dict[int, float] = {}
    for start in range(0, len(texts), 256):
        batch = [Counter(words(text)) for text in texts[start : start + 256]]
        cosines = (_vectors(batch, vocabulary, weight) @ matrix.T).toarray()
        for row in cosines:
            for index in np.lexsort((np.arange(row.size), -row))[:most].tolist():
                if row[index] >= MIN_SIMILARITY:
                    similarities[index] = max(similarities.get(index, 0.0), float(row[index]))
    return similarities


def _vectors(
    bags: Sequence[Counter[str]], vocabulary: dict[str, int], weight: np.ndarray
) -> csr_array:
    """[texts, words]  float, each row of length one, or zero if it has no word of the vocabulary"""
    values, columns, ends = [], [], [0]
    for bag in bags:
        weighted = [(vocabulary[word], n) for word, n in sorted(bag.items()) if word in vocabulary]
        vector = np.array([n * weight[column] for column, n in weighted])
        length = np.linalg.norm(vector) if len(vector) else 1.0
        values.extend((vector / length).tolist())
        columns.extend(column for column, _ in weighted)
        ends.append(len(values))
    return csr_array((values, columns, ends), shape=(len(bags), len(vocabulary)))


def sentence(value: dict[str, Any]) -> str:
    """The result in words, as an association."""
    what = f"record {value['record'][:12]}" if "record" in value else f"defect {value['defect']!r}"
    near, rest, change = value["near"], value["others"], value["difference"]
    if near["value"] is None:
        return f"No problem of {value['run']} is similar to {what}."
    unknown = value["unknown"]
    counted = f" Unknown verdicts count as failed ({unknown:,} problems)." if unknown else ""
    text = (
        f"Of the {near['n']} problems most similar to {what}, {near['value']:.1%} failed"
        f" ({100 * near['low']:.1f} to {100 * near['high']:.1f})"
    )
    if rest["value"] is None:
        return f"{text}; there are no other problems to compare with."
    text += (
        f"; of the {rest['n']:,} other problems {rest['value']:.1%}"
        f" ({100 * rest['low']:.1f} to {100 * rest['high']:.1f})."
        f" The difference of {100 * change['difference']:+.1f} points"
        f" ({100 * change['low']:+.1f} to {100 * change['high']:+.1f}) is an association, which"
        f" does not show that one caused the other.{counted}"
    )
    return text + (f" Fewer than {SMALL} problems: weak evidence." if value["small"] else "")
