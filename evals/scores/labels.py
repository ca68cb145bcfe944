"""Comparison of verdicts with the labels of imported generations; disagreements are listed."""

import json
from typing import Any

from data.store import Store, ask, files
from evals.scores.stored_grader import grader_in


def compare_with_labels(store: Store, run: str, grader: str) -> dict[str, Any]:
    """agree, disagree, undecided, disagreements: the path of a JSONL file that lists them.

    Counts labelled generations; an empty dict where there are none. Unknown verdicts neither agree
    nor disagree: `undecided` counts them, and the file lists them last.
    """
    rule = grader_in(store, grader)
    labelled = ask(
        store,
        """
        select
            g.stage, g.problem_id, g.sample, g.label, verdicts.correct, verdicts.extracted,
            verdicts.reason, g.gold, g.question,
            if(verdicts.correct = g.label, null, g.text) as text
        from answered_generations g
        join (
            select generation_id, graded_correct as correct, extracted, reason
            from current_scores
            where run = $run and grader = $grader and grader_version = $version
        ) verdicts using (generation_id)
        where g.run = $run and g.label is not null
        order by verdicts.correct is null, g.stage, g.problem_id, g.sample
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    if labelled.is_empty():
        return {}
    different = [row for row in labelled.to_dicts() if row["correct"] != row["label"]]
    undecided = sum(row["correct"] is None for row in different)
    name = rule.name.replace(":", "-")  # of a judge; not all file systems take a colon
    path = f"grades/{run}/{name}-{rule.version}-disagreements.jsonl"
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in different)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode())])
    return {
        "agree": labelled.height - len(different),
        "disagree": len(different) - undecided,
        "undecided": undecided,
        "disagreements": str(store.folder / path),
    }
