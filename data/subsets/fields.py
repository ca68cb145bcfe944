"""Fields of records that a filter may use: their source, conversion, texts, tags and tokens."""

from collections.abc import Mapping

from data.audit import queries
from data.store import Store, ask
from data.subsets.filter_language import Field
from data.subsets.select import Table

TABLES = """
chosen_converters as (
    select unnest($sources::varchar[]) as source, unnest($converters::varchar[]) as converter
), chosen_conversions as (
    select * from record_conversions semi join chosen_converters using (source, converter)
    where {only}
), texts as (
    select
        e.record_id, true as example, e.prompt, e.reasoning, e.answer, e.rewrites,
        e.prompt_chars, e.reasoning_chars, e.answer_chars
    from (
        -- counted first, so that texts of which nothing else is asked are not carried on
        select
            *, length(prompt) as prompt_chars, length(reasoning) as reasoning_chars,
            length(answer) as answer_chars
        from record_examples where {only}
    ) e semi join chosen_converters using (source, converter)
), counted as (
    select
        t.record_id, t.prompt + t.reasoning + t.answer as tokens,
        t.answer_end - t.prompt + 1 as completion_tokens -- and the token that stops it
    from record_tokens t semi join chosen_converters using (source, converter)
    where t.tokenizer = $tokenizer and {only}
), tagged as (
    select target_id as record_id, list(tag order by tag) as tag
    from tags where target_kind = 'record' group by target_id
), rows as (
    select
        r.record_id as id, r.source, r.split, r.shape, r.origin, r.row_number as number,
        m.dialect, m.pattern, m.outcome, m.reason, m.converter,
        list_distinct([d.phrase for d in m.defects]) as defect,
        list_distinct([d.severity for d in m.defects]) as severity,
        list_distinct([w.rule for w in t.rewrites]) as rewrite,
        coalesce(s.tag, []) as tag, u.ruling,
        t.example, t.prompt, t.reasoning, t.answer, t.prompt_chars, t.reasoning_chars, t.answer_chars, n.tokens,
        n.completion_tokens
    from (
        select * from source_records
        where source in (select unnest($sources::varchar[])) and {only}
    ) r
    left join chosen_conversions m using (record_id) left join texts t using (record_id)
    left join counted n using (record_id) left join tagged s using (record_id)
    left join rulings u using (record_id)
)
"""  # noqa: E501

FIELDS = {
    "source": Field("source", means="where the record came from"),
    "split": Field("split", means="train, or as the source says"),
    "shape": Field("shape", means="stratos, gsm8k, messages or completion"),
    "origin": Field("origin", means="its file, or its name on a hub with the revision"),
    "row": Field("number", "number", "its place in the file, from 0"),
    "dialect": Field("dialect", means="its markers; unknown if it has none"),
    "pattern": Field("pattern", means="which of the four markers occur, as 1111"),
    "outcome": Field("outcome", means="example or quarantined; unknown if not converted"),
    "reason": Field("reason", means="the defect that quarantined it"),
    "ruling": Field("ruling", means="quarantined or released, by a person"),
    "converter": Field("converter", means="the version and rules that its source was converted by"),
    "defect": Field("defect", "set", "phrases of the conversion audit"),
    "severity": Field("severity", "set", "of its defects"),
    "rewrite": Field("rewrite", "set", "rules that its prompt was rewritten by"),
    "tag": Field("tag", "set", "tags that people gave it"),
    "prompt": Field("prompt", means="its text as it is trained on", long=True),
    "reasoning": Field("reasoning", means="its text", long=True),
    "answer": Field("answer", means="its text", long=True),
    "prompt_chars": Field("prompt_chars", "number", "characters"),
    "reasoning_chars": Field("reasoning_chars", "number", "characters"),
    "answer_chars": Field("answer_chars", "number", "characters"),
    "tokens": Field("tokens", "number", "of prompt, reasoning and answer; unknown until counted"),
    "completion_tokens": Field(
        "completion_tokens", "number", "as SFT learns it, to its stop token; unknown until counted"
    ),
}
COUNTED = ("tokens", "completion_tokens")  # by `thinkbench audit SOURCE --model MODEL`
SHOWN = ("source", "prompt", "reasoning", "answer", "defect", "dialect", "tokens", "tag")


def record_table(
    store: Store,
    sources: tuple[str, ...] = (),
    tokenizer: str = "",
    converters: Mapping[str, str] | None = None,
) -> Table:
    """Every record of `sources` (of all converted ones if empty), once each.

    tokenizer:  whose token counts are read
    converters: source -> the converter that is read of it; None: the newest
    """
    pairs = dict(converters or zip(*queries.newest_of(store, sources), strict=True))
    if sources:
        pairs = {source: pairs[source] for source in sources if source in pairs}
    return Table(
        TABLES,
        "list_contains($page_ids::varchar[], record_id)",
        {
            "sources": list(pairs),
            "converters": list(pairs.values()),
            "tokenizer": tokenizer,
        },
        FIELDS,
        "source, number, id",
        {"example": "concat_ws(' ', prompt, reasoning, answer)", "prompt": "prompt"},
        {
            "no example": "example is null",
            "held back by a person": "ruling is not distinct from 'quarantined'",
            "of a test split": "split is distinct from 'train'",
        },
    )


def last_tokenizer(store: Store) -> str:
    """The tokenizer that counted tokens last; "" if none has."""
    newest = ask(
        store,
        """
        select tokenizer
        from (select distinct tokenizer, run from tokens) left join runs using (run)
        order by "at" desc, tokenizer limit 1
        """,
    )
    return "" if newest.is_empty() else newest["tokenizer"][0]
