"""A sample of the generations of a run, with questions, reference answers and verdicts."""

from typing import Any

from data.errors import UserError
from data.store import Store, ask, within
from evals.scores import default_grader, grader_in, require_scores

VERDICTS = {"any": "true", "correct": "correct", "incorrect": "not correct",
            "unknown": "correct is null"}  # fmt: skip


def sample_of_generations(
    store: Store, name: str, verdict: str, grader: str | None, limit: int, seed: int
) -> dict[str, Any]:
    """At most `limit` generations, the same at each call with the same seed.

    name: of a run, or of a stage of it as RUN/STAGE
    grader: whose verdicts count; None: the one that fits the run
    """
    if verdict not in VERDICTS:
        raise UserError(f"the verdict is {verdict!r}; expected one of {', '.join(VERDICTS)}.")
    rule = grader_in(store, grader or default_grader(store, [name]))
    require_scores(store, name, rule.name)  # says how to grade a run that has none
    run, _, stage = name.partition("/")
    rows = ask(
        within(store, [run]),
        f"""
        with chosen as (
            select generation_id, stage, problem_id, sample, correct, extracted, reason
            from current_scores
            where run = $run and grader = $grader and grader_version = $version
                and ($stage = '' or stage = $stage) and {VERDICTS[verdict]}
        ), sampled as (
            select * from chosen order by md5($seed || generation_id), generation_id limit $limit
        )
        select distinct on (generation_id)
            s.*, g.question, g.gold, g.text, g.tokens, g.finish,
            (select count(*) from chosen) as of_them
        from sampled s join answered_generations g using (generation_id)
        where g.run = $run
        """,
        run=run,
        stage=stage,
        grader=rule.name,
        version=rule.version,
        seed=str(seed),
        limit=limit,
    )
    n = 0 if rows.is_empty() else rows["of_them"][0]
    listed = rows.drop("of_them").sort("stage", "problem_id", "sample").to_dicts()
    return {"run": name, "grader": rule.name, "verdict": verdict, "n": n, "generations": listed}
