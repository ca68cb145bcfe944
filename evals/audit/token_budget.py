"""Token budgets: lengths of converted examples, and the share that fits a maximum length.

They come from the table `tokens`, which pipeline/evaluate/token_counts.py fills.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask
from evals.statistics import wilson

PARTS = ("prompt", "reasoning", "answer", "answer_end")
BUDGETS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)  # longest example [tokens]


def tokenizers(store: Store, source: str, converter: str) -> list[str]:
    """The tokenizers with which the examples of a conversion were counted, newest first."""
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


def tokenizer_with(store: Store, digest: str) -> str | None:
    """The tokenizer of this hash, by the name under which it counted first; None if none has."""
    rows = ask(
        store,
        """
        select tokenizer from tokens left join runs using (run)
        where ends_with(tokenizer, '@' || $digest)
        group by tokenizer order by min(started_at), tokenizer limit 1
        """,
        digest=digest,
    )
    return None if rows.is_empty() else rows["tokenizer"].item()


def token_counts(store: Store, source: str, converter: str, tokenizer: str) -> pl.DataFrame:
    """record_id, row_number, PARTS, mask_is_exact: the examples for training, longest first.

    Without the rows that a person quarantined.
    """
    return ask(
        store,
        """
        select
            t.record_id, r.row_number,
            t.prompt, t.reasoning, t.answer, t.answer_end, t.mask_is_exact
        from record_tokens t join source_records r using (record_id)
        where t.source = $source and t.converter = $converter and t.tokenizer = $tokenizer
            and t.record_id not in (select record_id from rulings where ruling = 'quarantined')
        order by t.answer_end desc, row_number, t.record_id
        """,
        source=source,
        converter=converter,
        tokenizer=tokenizer,
    )


def lengths(examples: pl.DataFrame) -> dict[str, dict[str, int | None]]:
    """Part of an example -> p50, p90, p99 and longest [tokens]; None if there is no example."""
    return {
        part: {
            **{f"p{q}": _integer(examples[part].quantile(q / 100, "higher")) for q in (50, 90, 99)},
            "longest": _integer(examples[part].max()),
        }
        for part in PARTS
    }


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def survival(examples: pl.DataFrame, budgets: Sequence[int] = BUDGETS) -> list[dict[str, Any]]:
    """For each budget the share of examples that fit completely, with its interval.

    An example fits up to </answer> and the stop token after it. Training drops longer examples and
    never truncates them, because truncated examples would teach not to answer.
    """
    return [
        {
            "budget": budget,
            **wilson(
                examples.height - too_long(examples, budget).height, examples.height
            ).to_json(),
        }
        for budget in budgets
    ]


def too_long(examples: pl.DataFrame, budget: int) -> pl.DataFrame:
    """The rows of `examples` that do not fit `budget`."""
    return examples.filter(pl.col("answer_end") + 1 > budget)  # one more for the stop token
