"""One problem in full: its question and reference answer, and the texts of its generations."""

from collections.abc import Sequence
from typing import Any

from data.store import Store, ask, within
from evals.failures import VERSION


def problem(store: Store, problem_id: str, run: str = "") -> dict[str, Any]:
    """question, gold, source, split, steps; all None if the store does not have the problem.

    run: whose own question and gold are taken where it brought them
    """
    rows = ask(
        store,
        """
        select
            coalesce(i.question, t.question) as question, coalesce(i.gold, t.gold) as gold, source,
            split, steps
        from problem_texts t
        left join imported_problems i on i.problem_id = t.problem_id and i.run = $run
        where t.problem_id = $id
        """,
        id=problem_id,
        run=run,
    )
    columns = ("question", "gold", "source", "split", "steps")
    return dict.fromkeys(columns) if rows.is_empty() else rows.row(0, named=True)


def texts(
    store: Store, problem: str, generations: Sequence[str], runs: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Id -> text, settings and seed of these generations of one problem, from `runs`."""
    rows = ask(
        within(store, runs),
        """
        select generation_id, text, settings, seed from generations
        where problem_id = $problem and generation_id in (select unnest($ids))
        """,
        problem=problem,
        ids=list(generations),
    )
    return {row["generation_id"]: row for row in rows.iter_rows(named=True)}


def evidence(
    store: Store, problem: str, generations: Sequence[str], runs: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Id -> name, start and end of its error types, in the order of its text."""
    rows = ask(
        within(store, runs),
        """
        select generation_id, any_value(categories) as categories from failures
        where problem_id = $problem and generation_id in (select unnest($ids))
            and version = $version
        group by generation_id
        """,
        problem=problem,
        ids=list(generations),
        version=VERSION,
    )
    return {
        generation: sorted(categories, key=lambda one: (one["start"], one["end"]))
        for generation, categories in rows.iter_rows()
    }


def tags(store: Store, generation: str) -> list[dict[str, Any]]:
    """tag, author, at: the tags that people gave the generation."""
    return ask(
        store,
        """
        select tag, author, "at" from tags
        where target_kind = 'generation' and target_id = $id order by tag
        """,
        id=generation,
    ).to_dicts()
