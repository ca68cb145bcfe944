"""The problems of an evaluation, without those whose reference answer cannot be graded."""

from dataclasses import dataclass

import polars as pl

from data.errors import UserError
from data.response_format import render
from data.store import Store, ask, fingerprint
from evals.graders import DEFAULT_GRADER, GRADERS


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
        from problems left join (select run, started_at from runs) using (run)
        left join (
            select record_id, outcome
            from conversions left join (select run, started_at as "at" from runs) using (run)
            where source = $source
            qualify row_number() over (partition by record_id order by "at" desc, run) = 1
        ) using (record_id)  -- what the newest conversion made of its record
        left join rulings using (record_id)
        where source = $source and split = $split
            and ruling is distinct from 'quarantined'
            and (ruling = 'released' or outcome is distinct from 'quarantined')
        -- of a record that was converted twice the newer problem counts
        qualify record_id is null
            or rank() over (partition by record_id order by started_at desc) = 1
        order by problem_id
        """,
        source=source,
        split=split,
    ).unique("problem_id", keep="first", maintain_order=True)
    if rows.is_empty():
        raise UserError(
            f"the store has no {split} problems of {source!r}; ingest and convert them first:"
            f" thinkbench ingest {source} && thinkbench convert {source}"
        )
    # if the verdict on the reference answer itself is unknown, no answer can be correct
    grade = GRADERS[DEFAULT_GRADER].grade
    decidable = [grade(render("-", gold), gold).correct is not None for gold in rows["gold"]]
    is_usable = pl.Series(decidable, dtype=pl.Boolean)
    return Problems(rows.filter(is_usable), rows.filter(~is_usable)["problem_id"].to_list())


def hash_of_ids(ids: list[str]) -> str:
    """One hash of a list of ids, independent of their order."""
    return fingerprint(rows=sorted(ids))
