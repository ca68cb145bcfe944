"""Rubrics in the store: every version stays, the newest of a name is its judge."""

from typing import Any

from data.errors import UserError
from data.store import Store, annotations, ask
from evals.judge.rubric import PREFIX, Rubric, parse


def add_rubric(store: Store, text: str, author: str) -> tuple[Rubric, bool]:
    """Store the rubric in `text`; also whether it is another version than the newest before.

    A rubric that differs only in what decides no verdict, as the address of its server, replaces
    the one before under the same version.
    """
    rubric = parse(text)
    newest = ask(store, "select version, text from rubrics where name = $name", name=rubric.name)
    before = newest.row(0) if newest.height else (None, None)
    if before != (rubric.version, text):
        annotations.add_rubric(store, rubric.name, rubric.version, text, author)
    return rubric, before[0] != rubric.version


def rubric_of(store: Store, grader: str) -> Rubric:
    """The newest rubric of `grader`, which may be named with or without `judge:`."""
    name = grader.removeprefix(PREFIX)
    rows = ask(store, "select name, text from rubrics order by name")
    texts = dict(rows.iter_rows())
    if name not in texts:
        raise UserError(
            f"there is no judge {name!r}; the store has {', '.join(texts) or 'none'}. Add its"
            " rubric: thinkbench judge add FILE.toml"
        )
    return parse(texts[name])


def judges(store: Store) -> list[dict[str, Any]]:
    """Each judge: grader, version, model, scale, author, scores (by this version)."""
    rows = ask(
        store,
        """
        select name, version, author, text, count(s.generation_id) as scores from rubrics r
        left join current_scores s on s.grader = $prefix || r.name and s.grader_version = r.version
        group by all order by name
        """,
        prefix=PREFIX,
    )
    listed = []
    for row in rows.iter_rows(named=True):
        rubric = parse(row.pop("text"))
        row.pop("name")
        listed.append({"grader": rubric.grader, "model": rubric.model, "scale": rubric.scale} | row)
    return listed


def versions_of(store: Store, name: str) -> list[dict[str, Any]]:
    """The versions of a judge, the newest first: version, author, at, scores, text."""
    return ask(
        store,
        """
        with graded as (
            select grader_version as version, count(*) as scores from current_scores
            where grader = $grader group by grader_version
        ), newest as (
            select *, row_number() over (order by id) as position from rubric_events
            where name = $name
            qualify row_number() over (partition by version order by id desc) = 1
        )
        select version, author, "at", coalesce(scores, 0) as scores, text
        from newest left join graded using (version) order by position desc
        """,
        name=name,
        grader=f"{PREFIX}{name}",
    ).to_dicts()
