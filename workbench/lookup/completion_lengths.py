"""Lengths of the completions that SFT learned from, or would, as the store has them."""

from data.audit import queries
from data.store import Store, ask, runs
from evals.audit import token_budget
from pipeline.batches import GRPO, Budgets, beside_limits, rounded
from pipeline.config import Preset
from pipeline.job import inputs
from pipeline.model import folder_here, tokenizer_hash
from workbench.lookup.models import StartingModel


def stored_lengths(store: Store, preset: Preset) -> Budgets | None:
    """The completions that SFT would learn from, beside the limits; None where none are counted.

    `thinkbench audit SOURCE --model MODEL` counts, and so does SFT for a filter of `tokens`.
    """
    data, name = preset.data, preset.model.model
    tokenizer = _tokenizer(store, name)
    if tokenizer is None:
        return None
    if subset := inputs.subset_of(store, data.subset, "records"):
        examples = inputs.examples_in(store, subset)
    else:
        converter = dict(zip(*queries.newest_of(store), strict=True)).get(data.records)
        if converter is None:
            return None
        if data.records_filter:
            examples, _ = inputs.examples_matching(
                store, data.records, converter, data.records_filter, tokenizer
            )
        else:
            examples = inputs.examples_of(store, data.records, converter)
    counted = ask(
        store,
        """
        select any_value(answer_end - prompt + 1) as tokens from record_tokens
        where tokenizer = $tokenizer and example_id in (select unnest($ids::varchar[]))
            and answer_end + 1 <= $longest
        group by example_id
        """,
        tokenizer=tokenizer,
        ids=[example.example_id for example in examples],
        longest=preset.sft.max_tokens,
    )["tokens"].to_list()
    return beside_limits(counted, preset) if counted else None


def _tokenizer(store: Store, model: str) -> str | None:
    """The tokenizer of `model` if it has counted; the newest of that name where it is not here."""
    folder = folder_here(model)
    if folder and (folder / "tokenizer.json").is_file():
        return token_budget.tokenizer_with(store, tokenizer_hash(folder))
    rows = ask(
        store,
        """
        select tokenizer from record_tokens left join runs using (run)
        where starts_with(tokenizer, $model || '@')
        group by tokenizer order by max(ended_at) desc, tokenizer limit 1
        """,
        model=model,
    )
    return None if rows.is_empty() else rows["tokenizer"].item()


def too_short_for(store: Store, start: StartingModel, preset: Preset) -> str | None:
    """Why GRPO would cut off what `start` learned to write; None where it would not.

    By the lengths in the summary of the run of SFT, one in ten may be longer.
    """
    run = runs.state(store, start.run) if start.run else None
    learned = ((run or {}).get("summary") or {}).get("completion_tokens") or {}
    if preset.data.longer_than_rollouts >= 1 or learned.get("p90", 0) <= preset.grpo.max_tokens:
        return None
    return (
        f"{start.run} learned from completions of p50 {learned['p50']:,}, p90 {learned['p90']:,},"
        f" p99 {learned['p99']:,} tokens, and {GRPO} is {preset.grpo.max_tokens}: such texts would"
        f" be cut off before their answer. Set --set {GRPO}={rounded(learned['p90'])}, or train SFT"
        " on shorter ones (data.records_filter)"
    )
