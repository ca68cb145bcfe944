"""The problems that several runs answered. One id may name two problems in runs of two imports."""

from collections.abc import Iterable, Sequence

import polars as pl

from data.errors import UserError
from data.store import Store, ask
from evals.scores.same_problem import content_of_problem

Texts = tuple[str | None, str | None]  # question, gold


class NothingInCommon(UserError):
    """The runs to compare have no problem in common."""


def problems_by_run(store: Store, names: Iterable[str]) -> dict[str, dict[str, Texts]]:
    """Run -> id -> question and gold, of the ids that one of the runs has an own problem under.

    names: of runs, or of stages as RUN/STAGE
    """
    chosen = list({name.partition("/")[0] for name in names})
    own = ask(
        store,
        "select * from imported_problems where run in (select unnest($runs))",
        runs=chosen,
    )
    if own.is_empty():
        return {run: {} for run in chosen}
    ids = own["problem_id"].unique().to_list()
    shared = ask(
        store,
        """
        select problem_id, question, gold from problem_texts
        where problem_id in (select unnest($ids))
        """,
        ids=ids,
    )
    texts: dict[str, Texts] = {row[0]: (row[1], row[2]) for row in shared.iter_rows()}
    by_run = {run: dict(texts) for run in chosen}
    for run, problem_id, question, gold in own.iter_rows():
        by_run[run][problem_id] = (question, gold)
    return by_run


def same_problems(
    names: Sequence[str],
    stages: Sequence[pl.DataFrame],
    problems: dict[str, dict[str, Texts]],
) -> tuple[set[str], set[str]]:
    """The problems that all `stages` have scores of, and the ids that name several problems there.

    names: of the stages          problems: of `problems_by_run`
    """
    common = set.intersection(*(set(scores["problem_id"].unique()) for scores in stages))
    of_stages = [problems[run] for run in {name.partition("/")[0] for name in names}]
    several = {
        problem_id
        for problem_id in common.intersection(of_stages[0])
        if _differ({texts[problem_id] for texts in of_stages if problem_id in texts})
    }
    return common - several, several


def common_problems(
    names: Sequence[str],
    stages: Sequence[pl.DataFrame],
    problems: dict[str, dict[str, Texts]],
) -> tuple[set[str], set[str]]:
    """`same_problems`; NothingInCommon if there are none."""
    common, several = same_problems(names, stages, problems)
    if not common:
        numbers = (scores["problem_id"].n_unique() for scores in stages)
        counts = ", ".join(f"{n} answered {i}" for n, i in zip(names, numbers, strict=True))
        also = f"; {len(several)} ids name different problems in them" if several else ""
        raise NothingInCommon(
            f"{' and '.join(names)} answered no problem in common: {counts}{also}."
            " Name runs over the same problems."
        )
    return common, several


def _differ(texts: set[Texts]) -> bool:
    if len(texts) < 2:
        return False
    contents = {content_of_problem(question, gold or "") for question, gold in texts if question}
    return len(contents) > 1
