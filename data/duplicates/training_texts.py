"""The problems of a split, and the texts that models of this store can have been trained on."""

from collections.abc import Sequence

import polars as pl

from data.audit import queries
from data.errors import UserError
from data.store import IMPORTED_ROLLOUTS, Store, ask


def problems_of(store: Store, source: str | None, split: str) -> pl.DataFrame:
    """problem_id, record_id, source, question: each problem of `split` once, by id."""
    problems = _problems(store, split)
    chosen = problems if source is None else problems.filter(source=source)
    if chosen.is_empty():
        sources = ", ".join(problems["source"].unique().sort()) or "none"
        raise UserError(
            f"the store has no {split} problems{f' of {source!r}' if source else ''}; sources with"
            f" {split} problems: {sources}. Name one of them, or ingest and convert problems first:"
            " thinkbench ingest samples-gsm8k && thinkbench convert samples-gsm8k"
        )
    return chosen.unique("problem_id", keep="first", maintain_order=True)


def trained_on(store: Store, sources: Sequence[str], split: str) -> tuple[pl.DataFrame, int]:
    """record_id, problem_id, source, text: prompts of examples, and questions of train problems.

    A problem whose record is an example counts once, as the example. Examples have no problem_id.
    A source may be an import of rollouts: the problems that its trainer trained on.
    The second value counts the examples left out because their record is a problem of `split`, or
    of a split that is not trained on.
    """
    imported = _imported_rollouts(store, sources)
    sources_of_rows = [source for source in sources if source not in imported]
    named = queries.newest_of(store, sources_of_rows)[0] if sources_of_rows or not sources else []
    all_examples = ask(
        store,
        """
        select
            record_id, null::varchar as problem_id, source, prompt as text,
            record_id in (
                select record_id from problems where split = $split and record_id is not null
            ) or record_id not in (
                select record_id from records where coalesce(split, 'train') = 'train'
            ) as of_split
        from current_examples
        where source in (select unnest($sources))
        order by source, record_id
        """,
        sources=named,
        split=split,
    )
    examples = all_examples.filter(~pl.col("of_split")).drop("of_split")
    questions = pl.DataFrame(schema=examples.schema)
    if split != "train":
        of_sources = pl.col("source").is_in(named)
        questions = _problems(store, "train").filter(of_sources).rename({"question": "text"})
        # null matches nothing, so problems without a record stay
        questions = questions.join(examples, on="record_id", how="anti")
        rolled_out = _problems_of_imports(store, imported).select(examples.columns)
        questions = pl.concat([questions.select(examples.columns), rolled_out])
    texts = pl.concat([examples, questions.select(examples.columns)])
    if texts.is_empty():
        raise UserError(
            f"nothing of {', '.join(named) or 'this store'} is trained on but the {split} problems"
            " themselves. Name another source with --train, or ingest and convert one first:"
            " thinkbench ingest samples-stratos && thinkbench convert samples-stratos"
        )
    return texts, all_examples.height - examples.height


def _imported_rollouts(store: Store, sources: Sequence[str]) -> list[str]:
    """Those of `sources` that are runs of imported rollouts."""
    query = "select run from runs where kind = $kind and run in (select unnest($sources))"
    return ask(store, query, kind=IMPORTED_ROLLOUTS, sources=list(sources))["run"].to_list()


def _problems_of_imports(store: Store, imports: list[str]) -> pl.DataFrame:
    """record_id, problem_id, source, text: all that the runs sampled, also test problems."""
    query = """
        select distinct record_id, problem_id, run as source, question as text from problems
        where run in (select unnest($runs::varchar[])) order by problem_id, source
    """
    return ask(store, query, runs=imports)


def _problems(store: Store, split: str) -> pl.DataFrame:
    query = """
        select problem_id, record_id, source, question from current_problems
        where split = $split order by problem_id, source, record_id
    """
    return ask(store, query, split=split)
