"""Categories of failure that judges name, beside those of rules: judge:NAME/category."""

import polars as pl

from data.errors import UserError
from data.store import Store, ask
from evals.judge import PREFIX, quality_of
from evals.statistics import wilson


def judge_categories(store: Store, run: str) -> dict[str, dict[str, dict[str, object]]]:
    """Stage -> category -> means, validated, and its share of the generations that were judged.

    By the newest version of each judge. validated: whether enough of its verdicts were compared
    with people's; nobody compares its categories
    """
    rows = ask(
        store,
        """
        with newest as (
            select j.*, count(*) over (partition by j.grader, j.stage) as n
            from judged_generations j
            join rubrics r on j.grader = $prefix || r.name and j.grader_version = r.version
            where j.run = $run
        )
        select stage, grader, category, any_value(n) as n, count(*) as named from newest
        where category is not null group by stage, grader, category
        order by stage, grader, named desc, category
        """,
        run=run,
        prefix=PREFIX,
    )
    validated = {name: quality_of(store, name)["validated"] for name in set(rows["grader"])}
    by_stage: dict[str, dict[str, dict[str, object]]] = {}
    for stage, grader, category, n, named in rows.iter_rows():
        means = f"named by {grader}" + ("" if validated[grader] else ", which is not validated")
        by_stage.setdefault(stage, {})[f"{grader}/{category}"] = {
            "means": means,
            "validated": validated[grader],
            **wilson(named, n).to_json(),
        }
    return by_stage


def named_by_judge(store: Store, run: str, category: str) -> pl.DataFrame:
    """The generations of a category judge:NAME/category, as the list of a rule's category is."""
    grader, _, name = category.partition("/")
    rows = ask(
        store,
        """
        select j.generation_id, g.stage, g.problem_id, g.sample, g.question, g.gold,
            [{'start': 0, 'end': 0, 'text': left(j.reply, 200)}] as evidence
        from judged_generations j
        join rubrics r on j.grader = $prefix || r.name and j.grader_version = r.version
        join (select distinct on (generation_id) * from answered_generations where run = $run) g
            using (generation_id)
        where j.run = $run and j.grader = $grader and j.category = $name
        order by g.stage, g.problem_id, g.sample
        """,
        run=run,
        grader=grader,
        name=name,
        prefix=PREFIX,
    )
    if rows.is_empty():
        raise UserError(
            f"no generation of {run!r} has the category {category!r}; expected judge:NAME/category,"
            f" as `thinkbench failures --run {run}` lists them."
        )
    return rows
