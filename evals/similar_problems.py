"""Failures near a record or a defect: whether problems like it fail more often than others do.

Near in words, by TF-IDF and cosine (Salton and Buckley 1988). It is an association: that a record
is like a problem says nothing of what training on it did.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from data.audit import find
from data.errors import UserError
from data.sources import WrongShape, turns
from data.store import Store, ask
from data.text import words
from evals.scores import require_scores
from evals.statistics import SMALL, mean_of_clusters, unpaired_difference

NEAREST = 10  # problems of a record
OF_DEFECT = 3  # of each record with a defect
RECORDS = 500  # with a defect that are looked at, in the order of their ids
LEAST = 0.2  # similarity below which nothing is near


def near_record(store: Store, record: str, run: str, grader: str = "strict") -> dict[str, Any]:
    """Verdicts of `run` on the problems most like a record's prompt, beside all the others."""
    found = find(store, record)
    text = _prompt(found["shape"], found["body"])
    if text is None:
        raise UserError(
            f"record {found['record_id']} has no prompt in the shape {found['shape']!r}, so nothing"
            " is near it. Name another."
        )
    return {"record": found["record_id"], **_near(store, [text], run, grader, NEAREST)}


def near_defect(store: Store, defect: str, run: str, grader: str = "strict") -> dict[str, Any]:
    """Verdicts of `run` on the problems most like the prompts of records with a defect."""
    found = ask(
        store,
        """
        select distinct record_id from conversions
        where list_contains([d.phrase for d in defects], $defect) order by record_id
        """,
        defect=defect,
    )
    if found.is_empty():
        known = ask(
            store, "select distinct unnest(defects).phrase as phrase from conversions order by 1"
        )
        raise UserError(
            f"no record has the defect {defect!r}; the store's conversions found:"
            f" {', '.join(known['phrase']) or 'none'}."
        )
    rows = ask(
        store,
        """
        select record_id, any_value(shape) as shape, any_value(body) as body from records
        where record_id in (select unnest($ids)) group by record_id order by record_id
        """,
        ids=found["record_id"].head(RECORDS).to_list(),
    )
    prompts = [_prompt(shape, body) for shape, body in rows.select("shape", "body").iter_rows()]
    texts = [text for text in prompts if text is not None]
    value = _near(store, texts, run, grader, OF_DEFECT)
    return {"defect": defect, "records": found.height, "looked_at": len(texts), **value}


def _prompt(shape: str, body: str) -> str | None:
    """The user's turn; None where the row is not in its shape."""
    try:
        return turns(shape, json.loads(body)).prompt
    except WrongShape:
        return None


def _near(store: Store, texts: list[str], run: str, grader: str, most: int) -> dict[str, Any]:
    """near, others: share that failed with n and interval; difference; problems, the nearest first.

    A problem's share is the mean of its known verdicts; those with none are left out and counted.
    """
    rates = (
        require_scores(store, run, grader)
        .group_by("problem_id")
        .agg((1 - pl.col("answer").cast(pl.Float64).mean()).alias("failed"))
    )
    asked = ask(store, "select problem_id, question from problem_texts")
    rows = rates.join(asked, on="problem_id").sort("problem_id")
    known = rows.drop_nulls("failed")
    places = nearest(texts, known["question"].to_list(), most)
    close = sorted(places, key=lambda place: (-places[place], place))
    failed = known["failed"].to_numpy()
    mask = np.zeros(known.height, bool)
    mask[close] = True
    near, others = mean_of_clusters(failed[mask]), mean_of_clusters(failed[~mask])
    return {
        "run": run,
        "grader": grader,
        "near": near.to_json(),
        "others": others.to_json(),
        "difference": unpaired_difference(others, near).to_json(),
        "small": min(near.n, others.n) < SMALL,
        "unknown": rows.height - known.height,
        "problems": [
            {**known.row(place, named=True), "similarity": round(places[place], 3)}
            for place in close
        ],
    }


def nearest(texts: Sequence[str], questions: Sequence[str], most: int) -> dict[int, float]:
    """Place of a question -> its similarity to the text it is likest to.

    Of each text the `most` likest, of LEAST or more; ties go to the earlier question.
    """
    if not texts or not questions:
        return {}
    bags = [Counter(words(one)) for one in questions]
    vocabulary = {word: column for column, word in enumerate(sorted({w for b in bags for w in b}))}
    seen = Counter(word for bag in bags for word in bag)
    weight = np.array([np.log(len(bags) / seen[word]) + 1 for word in vocabulary])
    matrix = _vectors(bags, vocabulary, weight)
    found: dict[int, float] = {}
    for start in range(0, len(texts), 256):
        asked = [Counter(words(one)) for one in texts[start : start + 256]]
        likeness = (_vectors(asked, vocabulary, weight) @ matrix.T).toarray()
        for row in likeness:
            for place in np.lexsort((np.arange(row.size), -row))[:most].tolist():
                if row[place] >= LEAST:
                    found[place] = max(found.get(place, 0.0), float(row[place]))
    return found


def _vectors(
    bags: Sequence[Counter[str]], vocabulary: dict[str, int], weight: np.ndarray
) -> csr_array:
    """[texts, words]  float, each row of length one, or zero where it has no known word"""
    values, columns, ends = [], [], [0]
    for bag in bags:
        mine = [(vocabulary[word], n) for word, n in sorted(bag.items()) if word in vocabulary]
        vector = np.array([n * weight[column] for column, n in mine])
        length = np.linalg.norm(vector) if len(vector) else 1.0
        values.extend((vector / length).tolist())
        columns.extend(column for column, _ in mine)
        ends.append(len(values))
    return csr_array((values, columns, ends), shape=(len(bags), len(vocabulary)))


def sentence(value: dict[str, Any]) -> str:
    """What was found, as an association."""
    what = f"record {value['record'][:12]}" if "record" in value else f"defect {value['defect']!r}"
    near, others, changed = value["near"], value["others"], value["difference"]
    if near["value"] is None:
        return f"No problem of {value['run']} is near {what} in words."
    said = (
        f"Of {near['n']} problems near {what} in words {near['value']:.1%} failed"
        f" ({100 * near['low']:.1f} to {100 * near['high']:.1f})"
    )
    if others["value"] is None:
        return f"{said}; there are no others to compare with."
    said += (
        f"; of the {others['n']:,} others {others['value']:.1%}"
        f" ({100 * others['low']:.1f} to {100 * others['high']:.1f})."
        f" The difference of {100 * changed['difference']:+.1f} points"
        f" ({100 * changed['low']:+.1f} to {100 * changed['high']:+.1f}) is an association: it does"
        " not say that one made the other."
    )
    return said + (" Fewer than 30 problems: this says little." if value["small"] else "")
