"""Problems that a model is asked: those of a split, and those whose gold no answer could match."""

from dataclasses import dataclass

import polars as pl

from data.errors import UserError
from data.store import Store, ask, fingerprint
from evals.graders import GRADERS

GRADER = "strict"  # of the rewards, and of the table that is shown


@dataclass(frozen=True)
class Problems:
    """Problems of one split; those whose gold no answer could match are counted apart.

    kept: problem_id, question, gold, steps
    """

    kept: pl.DataFrame
    bad_gold: list[str]


def problems_of(store: Store, source: str, split: str) -> Problems:
    """Problems of one split, in the order of their ids, which are hashes: a fixed shuffle."""
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
    # an undecidable verdict on the gold itself means that no answer can be right
    decidable = [
        GRADERS[GRADER].grade(f"<reasoning>-</reasoning><answer>{gold}</answer>", gold).correct
        is not None
        for gold in rows["gold"]
    ]
    kept = pl.Series(decidable, dtype=pl.Boolean)
    return Problems(rows.filter(kept), rows.filter(~kept)["problem_id"].to_list())


def hash_of_rows(values: list[str]) -> str:
    """One hash for a list of ids, whatever their order."""
    return fingerprint(rows=sorted(values))
