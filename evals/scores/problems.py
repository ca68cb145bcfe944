"""The problems of an evaluation, without those whose reference answer cannot be graded."""

from dataclasses import dataclass

import polars as pl

from data.errors import UserError
from data.response_format import render
from data.store import WITH_PROBLEMS, Store, ask, fingerprint
from evals.graders import DEFAULT_GRADER, GRADERS, targets_of


@dataclass(frozen=True)
class Problems:
    """Problems of one split.

    usable: problem_id, question, gold, steps
    bad_gold: ids of the problems whose reference answer no answer can match
    """

    usable: pl.DataFrame
    bad_gold: list[str]


def problems_of_split(store: Store, source: str, split: str) -> Problems:
    """Problems of one split, sorted by id. Ids are hashes, so this is a fixed shuffle."""
    rows = ask(
        store,
        """
        select problem_id, question, gold, steps
        from current_problems
        where source = $source and split = $split
            -- a run may have the name of the source
            and run not in (select run from runs where list_contains($others, kind))
        order by problem_id
        """,
        source=source,
        split=split,
        others=WITH_PROBLEMS,
    )
    if rows.is_empty():
        elsewhere = _other_splits(store, source, split)
        raise UserError(
            f"the store has no {split} problems of {source!r}{elsewhere}; ingest and convert them"
            f" first: thinkbench ingest {source} && thinkbench convert {source}"
        )
    return _usable(rows)


def problems_with_ids(store: Store, ids: list[str]) -> Problems:
    """Train problems with these ids, sorted by id, without those that a person quarantined."""
    rows = ask(
        store,
        """
        select problem_id, question, gold, steps
        from problem_texts
        where problem_id in (select unnest($ids)) and split = 'train'
            and problem_id in (
                select problem_id from problem_rows where excluded is distinct from 'by a person'
            )
        order by problem_id
        """,
        ids=ids,
    )
    return _usable(rows)


def _usable(rows: pl.DataFrame) -> Problems:
    # if the verdict on the reference answer itself is unknown, no answer can be correct
    grade = GRADERS[DEFAULT_GRADER].grade
    decidable = [
        any(grade(render("-", target), target).correct is not None for target in targets_of(gold))
        for gold in rows["gold"]
    ]
    is_usable = pl.Series(decidable, dtype=pl.Boolean)
    return Problems(rows.filter(is_usable), rows.filter(~is_usable)["problem_id"].to_list())


def _other_splits(store: Store, source: str, split: str) -> str:
    """What `source` has of other splits than `split`, for a message; "" if nothing."""
    splits = ask(
        store,
        "select split, count(*) from current_problems where source = $s group by all order by all",
        s=source,
    )
    counts = ", ".join(f"{n} {split}" for split, n in splits.iter_rows())
    return f" (it has {counts}; `ingest --split {split}` reads rows as {split})" if counts else ""


def hash_of_ids(ids: list[str]) -> str:
    """One hash of a list of ids, independent of their order."""
    return fingerprint(rows=sorted(ids))
