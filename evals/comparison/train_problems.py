"""Which runs answered train problems: their values are pass rates, and no held-out scores."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import polars as pl

from data.duplicates import words
from data.store import OF_TRAIN_PROBLEMS, WITH_PROBLEMS, Store, ask, runs, within

# A problem in a test or validation split is no train problem, whatever else has it. Questions are
# compared by letters here, which finds more than are the same.
CANDIDATES = """
with of_records as (
    select
        question, split = 'train' as is_train,
        regexp_replace(lower(nfc_normalize(question)), '[^\\p{L}]+', '', 'g') as letters
    from problem_texts where record_id is not null
), answered as (
    select
        problem_id, question,
        regexp_replace(lower(nfc_normalize(question)), '[^\\p{L}]+', '', 'g') as letters
    from answered_problems where run = $run and question is not null
)
select problem_id, question, null as is_train from answered
where letters in (select letters from of_records where is_train)
union all
select null, question, is_train from of_records where letters in (select letters from answered)
"""


def train_problems(store: Store, stages: Mapping[str, pl.DataFrame]) -> dict[str, tuple[int, int]]:
    """Name -> how many problems of a stage are train problems, and of how many; where any are.

    stages: name (RUN or RUN/STAGE) -> its scores
    All are in an evaluation of that kind. In an import, or in answers of the playground, those are
    whose question a train split has too, in these words, and no other split.
    """
    counts = {}
    ids_by_run: dict[str, set[str] | None] = {}
    for name, scores in stages.items():
        run = name.partition("/")[0]
        if run not in ids_by_run:
            ids_by_run[run] = train_problem_ids(store, run)
        answered, ids = set(scores["problem_id"].unique()), ids_by_run[run]
        if n := len(answered if ids is None else answered & ids):
            counts[name] = (n, len(answered))
    return counts


def named_train_problems(store: Store, stages: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """`train_problems` as two fields of an object."""
    counts = train_problems(store, stages)
    return {"train_problems": list(counts), "train_problem_counts": counts}


def train_problem_ids(store: Store, run: str) -> set[str] | None:
    """The ids of the train problems that `run` answered; None: all that it answered."""
    state = runs.state(store, run)
    if state is None or state["kind"] not in WITH_PROBLEMS:
        return None if state and state["kind"] == OF_TRAIN_PROBLEMS else set()
    rows = ask(within(store, [run]), CANDIDATES, run=run)
    answered = rows.filter(pl.col("problem_id").is_not_null())
    train, held_out = (rows.filter(is_train=value)["question"] for value in (True, False))
    same_as_train, same_as_held_out = same_words(train), same_words(held_out)
    return {
        problem_id
        for problem_id, question, _ in answered.iter_rows()
        if same_as_train(question) and not same_as_held_out(question)
    }


def same_words(questions: Iterable[str]) -> Callable[[str], bool]:
    """Whether a question is one of `questions`, in the same words."""
    texts = set(questions)

    @cache
    def in_words() -> set[str]:  # takes a while, and most are equal as they stand
        return {" ".join(words(text)) for text in texts} - {""}

    return lambda question: (
        question in texts or (bool(texts) and " ".join(words(question)) in in_words())
    )
