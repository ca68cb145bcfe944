"""Problems as two runs answered them: the rows behind the lists of fixed and regressed problems."""

from collections.abc import Sequence

import polars as pl

from data.store import Store
from workbench.app.browse.filter import Filter
from workbench.app.browse.index import Index
from workbench.app.browse.pages import SHORT


def named(store: Store, index: Index) -> list[tuple[str, str, str]]:
    """(name, run, stage) of all that can be compared, by run; a run of one stage is its name."""
    with index.engine.cursor() as cursor:
        rows = cursor.execute("select distinct run, stage from base order by all").fetchall()
    runs = {number: run for run, number in index.runs.items()}
    stages_of: dict[str, list[str]] = {}
    for number, stage in rows:
        stages_of.setdefault(runs[number], []).append(stage)
    return [
        (run if len(stages) == 1 else f"{run}/{stage}", run, stage)
        for run, stages in stages_of.items()
        for stage in stages
    ]


def problems(
    index: Index, store: Store, where: Filter, names: tuple[str, str], ids: Sequence[str]
) -> pl.DataFrame:
    """problem_id, question, gold, a, b: how the two of `names` answered each of `ids`, in order.

    question, gold: as the first of `names` has them
    a, b: the extracted answer of a single sample; of several, the number of correct ones
    """
    snapshot = index.snapshots[-1]  # while it is referred to, its table stays
    with index.engine.cursor() as cursor:
        cursor.register("listed", pl.DataFrame({"id": list(ids), "nth": range(len(ids))}))
        for side, name in zip(("a", "b"), names, strict=True):
            cursor.register(side, _answers(index, snapshot.generations, cursor, name))
        return cursor.sql(
            f"""
            select
                w.id as problem_id,
                left(coalesce(o.question, p.question), {SHORT}) as question,
                left(coalesce(o.gold, p.gold), {SHORT}) as gold, a.answer as a, b.answer as b
            from listed w
            left join problems p on p.problem_id = w.id
            left join own_problems o on o.problem_id = w.id and o.run = $first
            left join a on a.problem_id = w.id
            left join b on b.problem_id = w.id
            order by w.nth
            """,
            params={"first": names[0].partition("/")[0]},
        ).pl()


def _answers(index: Index, generations: str, cursor, name: str) -> pl.DataFrame:
    """problem_id, answer: of the problems in the registered table `listed`."""
    run, _, stage = name.partition("/")
    return cursor.sql(
        f"""
        select
            problem_id,
            if(count(*) = 1, coalesce(left(any_value(extracted), {SHORT}), 'no answer'),
                count(*) filter (g.correct = 1) || ' of ' || count(*) || ' correct') as answer
        from base b join {generations} g using (position)
        where b.run = $run and ($stage = '' or b.stage = $stage)
            and b.problem_id in (select id from listed)
        group by problem_id
        """,
        params={"run": index.runs.get(run, -1), "stage": stage},
    ).pl()


def generations(
    index: Index, store: Store, where: Filter, names: tuple[str, str], problem: str
) -> list[str]:
    """The first generation of `problem` that each of `names` has."""
    ids = []
    for name in names:
        run, _, stage = name.partition("/")
        with index.engine.cursor() as cursor:
            row = cursor.execute(
                """
                select generation_id from base
                where run = $run and ($stage = '' or stage = $stage) and problem_id = $problem
                order by position limit 1
                """,
                {"run": index.runs.get(run, -1), "stage": stage, "problem": problem},
            ).fetchone()
        ids += [row[0]] if row else []
    return ids
