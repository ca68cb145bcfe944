"""Problems as two runs answered them: what stands in the lists of fixed and broken ones."""

from collections.abc import Sequence

import polars as pl

from data.store import Store
from workbench.app.browse.filter import Filter
from workbench.app.browse.index import Index
from workbench.app.browse.pages import SHORT


def named(store: Store, index: Index) -> list[tuple[str, str, str]]:
    """(name, run, stage) of all that can be compared, by run; a run of one stage is its name."""
    with index.engine.cursor() as cursor:
        found = cursor.execute("select distinct run, stage from base order by all").fetchall()
    runs = {number: run for run, number in index.runs.items()}
    stages: dict[str, list[str]] = {}
    for number, stage in found:
        stages.setdefault(runs[number], []).append(stage)
    return [
        (run if len(held) == 1 else f"{run}/{stage}", run, stage)
        for run, held in stages.items()
        for stage in held
    ]


def problems(
    index: Index, store: Store, filter: Filter, names: tuple[str, str], ids: Sequence[str]
) -> pl.DataFrame:
    """problem_id, question, gold, a, b: how the two of `names` answered each of `ids`, in order.

    a, b: the answer of a single sample; of several, how many are right
    """
    snapshot = index.snapshots[-1]
    with index.engine.cursor() as cursor:
        cursor.register("wanted", pl.DataFrame({"id": list(ids), "nth": range(len(ids))}))
        said = [_said(index, snapshot.generations, cursor, name) for name in names]
        cursor.register("a", said[0])
        cursor.register("b", said[1])
        return cursor.sql(
            f"""
            select
                w.id as problem_id, left(p.question, {SHORT}) as question,
                left(p.gold, {SHORT}) as gold, a.said as a, b.said as b
            from wanted w
            left join problems p on p.problem_id = w.id
            left join a on a.problem_id = w.id
            left join b on b.problem_id = w.id
            order by w.nth
            """
        ).pl()


def _said(index: Index, generations: str, cursor, name: str) -> pl.DataFrame:
    run, _, stage = name.partition("/")
    return cursor.sql(
        f"""
        select
            problem_id,
            if(count(*) = 1, coalesce(left(any_value(extracted), {SHORT}), 'no answer'),
                count(*) filter (g.correct = 1) || ' of ' || count(*) || ' right') as said
        from base b join {generations} g using (place)
        where b.run = $run and ($stage = '' or b.stage = $stage)
            and b.problem_id in (select id from wanted)
        group by problem_id
        """,
        params={"run": index.runs.get(run, -1), "stage": stage},
    ).pl()


def generations(
    index: Index, store: Store, filter: Filter, names: tuple[str, str], problem: str
) -> list[str]:
    """The first generation of `problem` that each of `names` has."""
    found = []
    for name in names:
        run, _, stage = name.partition("/")
        with index.engine.cursor() as cursor:
            row = cursor.execute(
                """
                select generation_id from base
                where run = $run and ($stage = '' or stage = $stage) and problem_id = $problem
                order by place limit 1
                """,
                {"run": index.runs.get(run, -1), "stage": stage, "problem": problem},
            ).fetchone()
        found += [row[0]] if row else []
    return found
