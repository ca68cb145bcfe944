"""How good a judge is: its verdicts beside people's and imported labels of the same generations.

A row counts once: by what people said where they did, else by the label that an import brought. A
verdict that is unknown agrees with no label, and finds nothing.
"""

from typing import Any

import numpy as np
import polars as pl

from data.store import Store, ask
from evals.graders import GRADERS
from evals.judge.rubric import PREFIX
from evals.scores import grader_in, unknown_run
from evals.statistics import kappa, share_of_clusters

NEEDED = 50  # labelled rows with a verdict, below which a judge is not validated
NEEDED_PROBLEMS = 20  # of these: samples of one problem say little more than one of them
SOURCES = ("blind labels", "overrides", "imported labels")


def grader_named(name: str) -> str:
    """The grader that `name` means: a rule, or a judge with or without `judge:`."""
    return name if name in GRADERS or name.startswith(PREFIX) else f"{PREFIX}{name}"


def quality_of(store: Store, grader: str, run: str | None = None) -> dict[str, Any]:
    """The object of `thinkbench judge agreement`, of any grader.

    agreement: share of labelled rows with the label's verdict   kappa: Cohen's
    precision: of those that it calls correct, the share whose label is correct
    recall:    of those whose label is correct, the share that it calls correct
    decided:   labelled rows with a verdict, of decided_problems problems; these validate a judge
    unknown:   those without one   split: rows about which people differ, left out
    by_source: the same numbers by where the label is from; one row may have several labels

    All intervals are 95 %, and take samples of one problem as one cluster.
    """
    require_generations(store, run)
    rows = labelled_rows(store, grader, run)
    decided = rows.filter(pl.col("label").is_not_null())
    by_source = [
        {"source": source, **numbers(rows.select("problem_id", "correct", label=source))}
        for source in SOURCES
        if rows[source].count()
    ]
    value = numbers(decided)
    return {
        "grader": grader,
        "version": grader_in(store, grader).version,
        "run": run,
        "validated": value["decided"] >= NEEDED and value["decided_problems"] >= NEEDED_PROBLEMS,
        "needed": NEEDED,
        "needed_problems": NEEDED_PROBLEMS,
        **value,
        "split": rows.height - decided.height,
        "by_source": by_source,
    }


def require_generations(store: Store, run: str | None) -> None:
    """UserError if the store has no generations of `run`; None is all runs."""
    query = "select 1 from generations where run = $run limit 1"
    if run is not None and ask(store, query, run=run).is_empty():
        message = (
            f"the store has no generations of run {run!r}; expected an evaluation or an import."
            " List them: thinkbench runs list"
        )
        raise unknown_run(store, run, message)


def labelled_rows(store: Store, grader: str, run: str | None = None) -> pl.DataFrame:
    """generation_id, run, problem_id, correct, SOURCES, label: generations with any label.

    correct: the grader's own verdict, by its current version, whatever people said of it
    label:   of people, else of the import; null where people differ
    """
    rule = grader_in(store, grader)
    rows = ask(
        store,
        """
        with verdicts as (
            select generation_id, run, problem_id, graded_correct as correct from current_scores
            where grader = $grader and grader_version = $version and ($run is null or run = $run)
        ), blind as (
            select generation_id, bool_and(verdict = 'right') as every_one,
                bool_or(verdict = 'right') as any_one
            from labels where verdict in ('right', 'wrong') group by generation_id
        ), overridden as (
            select generation_id, bool_and(verdict = 'right') as every_one,
                bool_or(verdict = 'right') as any_one
            from overrides where verdict in ('right', 'wrong') group by generation_id
        ), imported as (
            select generation_id, any_value(label) as label from generations
            where label is not null group by generation_id
        )
        select
            v.*,
            if(b.every_one = b.any_one, b.every_one, null) as "blind labels",
            if(o.every_one = o.any_one, o.every_one, null) as "overrides",
            i.label as "imported labels",
            case
                when b.any_one is null and o.any_one is null then i.label
                when coalesce(b.any_one, false) or coalesce(o.any_one, false) then
                    if(coalesce(b.every_one, true) and coalesce(o.every_one, true), true, null)
                else false
            end as label
        from verdicts v
        left join blind b using (generation_id)
        left join overridden o using (generation_id)
        left join imported i using (generation_id)
        where b.any_one is not null or o.any_one is not null or i.label is not null
        order by v.run, v.problem_id, v.generation_id
        """,
        grader=rule.name,
        version=rule.version,
        run=run,
    )
    return rows.unique("generation_id", maintain_order=True)


def numbers(rows: pl.DataFrame) -> dict[str, Any]:
    """The counts and the four numbers of rows with problem_id, correct and label."""
    rows = rows.filter(pl.col("label").is_not_null())
    decided = rows.filter(pl.col("correct").is_not_null())
    tables = _tables(rows)
    sizes = tables.sum(axis=(1, 2))
    both = tables[:, 0, 0]
    shares = {
        "agreement": (np.trace(tables, axis1=1, axis2=2), sizes),
        "precision": (both, tables[:, :, 0].sum(axis=1)),
        "recall": (both, tables[:, 0].sum(axis=1)),
    }
    return {
        "n": rows.height,
        "problems": len(tables),
        "decided": decided.height,
        "decided_problems": decided["problem_id"].n_unique(),
        "unknown": rows.height - decided.height,
        **{name: share_of_clusters(*counts).to_json() for name, counts in shares.items()},
        "kappa": kappa(tables).to_json(),
    }


def _tables(rows: pl.DataFrame) -> np.ndarray:
    """[problems, 3, 3]: rows by label, then verdict: correct, incorrect, unknown."""
    problems, index = np.unique(rows["problem_id"].to_numpy(), return_inverse=True)
    code = pl.when(pl.col("correct")).then(0).when(~pl.col("correct")).then(1).otherwise(2)
    codes = rows.select(label=pl.when("label").then(0).otherwise(1), verdict=code)
    tables = np.zeros((len(problems), 3, 3), dtype=np.int64)
    np.add.at(tables, (index, codes["label"].to_numpy(), codes["verdict"].to_numpy()), 1)
    return tables
