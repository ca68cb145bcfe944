"""What training would see of a conversion: lengths in tokens, and which answers a budget keeps.

Read from the table `tokens`, which pipeline/evaluate/token_counts.py fills.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask
from evals.statistics import wilson

PARTS = ("prompt", "reasoning", "answer", "answer_end")
BUDGETS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)  # longest example [tokens]


def tokenizers(store: Store, source: str, converter: str) -> list[str]:
    """Those that the examples of a conversion were counted with, the newest first."""
    return ask(
        store,
        """
        select tokenizer, max(r.ended_at) as "at"
        from tokens join runs r using (run)
        where source = $source and converter = $converter
        group by tokenizer
        order by "at" desc, tokenizer
        """,
        source=source,
        converter=converter,
    )["tokenizer"].to_list()


def counted(store: Store, source: str, converter: str, tokenizer: str) -> pl.DataFrame:
    """record_id, row_number, PARTS, mask_is_exact: the examples that are trained on, longest first.

    Rows that a person quarantined are not among them.
    """
    return ask(
        store,
        """
        select
            t.record_id, min(r.row_number) as row_number,
            t.prompt, t.reasoning, t.answer, t.answer_end, t.mask_is_exact
        from tokens t join records r using (record_id)
        where t.source = $source and t.converter = $converter and t.tokenizer = $tokenizer
            and t.record_id not in (select record_id from rulings where ruling = 'quarantined')
        group by all
        order by t.answer_end desc, row_number, t.record_id
        """,
        source=source,
        converter=converter,
        tokenizer=tokenizer,
    )


def lengths(found: pl.DataFrame) -> dict[str, dict[str, int | None]]:
    """part of an example -> p50, p90, p99 and longest [tokens]; None where there is no example."""
    return {
        part: {
            **{f"p{q}": _whole(found[part].quantile(q / 100, "higher")) for q in (50, 90, 99)},
            "longest": _whole(found[part].max()),
        }
        for part in PARTS
    }


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def survival(found: pl.DataFrame, budgets: Sequence[int] = BUDGETS) -> list[dict[str, Any]]:
    """For each budget the share of examples that fit it whole, with its interval.

    That is up to </answer> and the stop token behind it. Longer ones are left out of training,
    never cut: cut, they would teach never to answer.
    """
    return [
        {
            "budget": budget,
            **wilson(found.height - lost(found, budget).height, found.height).to_json(),
        }
        for budget in budgets
    ]


def lost(found: pl.DataFrame, budget: int) -> pl.DataFrame:
    """The rows of `found` that do not fit `budget`: the records behind a point."""
    return found.filter(pl.col("answer_end") + 1 > budget)  # the stop token is one more
