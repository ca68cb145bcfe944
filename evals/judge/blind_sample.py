"""A blind sample for people to label: generations on which graders disagree, without verdicts.

The disagreements of the judge with the rules come first, in the order of a hash, so that a sample
is a random choice of them and always the same; what remains is filled with a random choice of the
rest. What somebody has labelled in a sample stays in it.
"""

import hashlib
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, annotations, ask
from evals.graders import GRADERS
from evals.judge.agreement import NEEDED, require_generations
from evals.scores import grader_in

VERDICTS = ("right", "wrong", "unsure")
RULES = tuple(name for name in GRADERS if name != "notebook")  # that one repeats another's faults


def sample_name(store: Store, grader: str, run: str | None) -> str:
    return f"{grader}@{grader_in(store, grader).version}" + (f"/{run}" if run else "")


def sample_to_label(
    store: Store, grader: str, author: str, run: str | None = None, n: int = NEEDED
) -> dict[str, Any]:
    """The object of `thinkbench judge label`.

    rows: generation_id, question, gold, text and verdict (the author's own, null where they have
    none), in an order that tells nothing. No verdict of a grader is among the values.
    """
    require_generations(store, run)
    name = sample_name(store, grader, run)
    candidates = _candidates(store, grader, run, name)
    if candidates.is_empty():
        raise UserError(
            f"{grader} has no verdict{f' on {run}' if run else ''} to compare with labels. Ask it"
            f" first: thinkbench grade RUN --grader {grader}"
        )
    ids = sorted(candidates.head(n)["generation_id"], key=_hash)
    rows = ask(
        store,
        """
        select distinct on (generation_id) generation_id, question, gold, text, verdict
        from answered_generations
        left join (select generation_id, verdict from labels where author = $author)
            using (generation_id)
        where generation_id in (select unnest($ids))
        """,
        ids=ids,
        author=author,
    )
    position = {one: number for number, one in enumerate(ids)}
    ordered = sorted(rows.to_dicts(), key=lambda row: position[row["generation_id"]])
    return {
        "grader": grader,
        "sample": name,
        "author": author,
        "n": len(ordered),
        "labelled": sum(row["verdict"] is not None for row in ordered),
        "rows": ordered,
    }


def label(store: Store, sample: dict[str, Any], verdicts: dict[str, str]) -> None:
    """Record verdicts of the sample's author; UserError for what is none, or not of the sample."""
    ids = {row["generation_id"] for row in sample["rows"]}
    for generation_id, verdict in verdicts.items():
        if verdict not in (*VERDICTS, "withdrawn"):
            raise UserError(
                f"the verdict on {generation_id!r} is {verdict!r}; expected one of"
                f" {', '.join(VERDICTS)}. Correct it."
            )
        if generation_id not in ids:
            raise UserError(
                f"{generation_id!r} is not in the sample {sample['sample']}; expected an id that"
                " `thinkbench judge label --json` lists."
            )
    if verdicts:
        annotations.label_all(store, verdicts, sample["sample"], sample["author"])


def _hash(generation_id: str) -> str:
    return hashlib.sha256(generation_id.encode()).hexdigest()


def _candidates(store: Store, grader: str, run: str | None, sample: str) -> pl.DataFrame:
    """generation_id, the best choices first."""
    rule = grader_in(store, grader)
    return ask(
        store,
        """
        with judged as (
            select distinct generation_id, run, graded_correct as correct from current_scores
            where grader = $grader and grader_version = $version and ($run is null or run = $run)
        ), disputed as (
            select distinct j.generation_id from judged j
            join current_scores s on s.generation_id = j.generation_id and s.run = j.run
            where list_contains($rules, s.grader || ' ' || s.grader_version)
                and s.graded_correct is distinct from j.correct
        )
        select generation_id from judged
        order by
            generation_id not in (select generation_id from label_events where sample = $sample),
            generation_id not in (select generation_id from disputed),
            sha256(generation_id)
        """,
        grader=rule.name,
        version=rule.version,
        run=run,
        rules=[f"{name} {GRADERS[name].version}" for name in RULES],
        sample=sample,
    )
