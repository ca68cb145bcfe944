"""Verdicts against the labels that imported generations carry; each disagreement can be read."""

import json
from typing import Any

from data.store import Store, ask, files
from evals.graders import grader as grader_of


def against_labels(store: Store, run: str, grader: str) -> dict[str, Any]:
    """agree, disagree, disagreements: the path of a JSONL file that lists the latter.

    Of the labelled generations; none: an empty dict. Unknown verdicts neither agree nor disagree:
    `undecided` counts them, and they are listed after the others.
    """
    rule = grader_of(grader)
    labelled = ask(
        store,
        """
        select
            g.stage, g.problem_id, g.sample, g.label, verdicts.correct, verdicts.extracted,
            verdicts.reason, golds.gold, golds.question,
            if(verdicts.correct = g.label, null, g.text) as text
        from generations g
        join (
            select distinct on (generation_id) generation_id, correct, extracted, reason
            from scores
            where run = $run and grader = $grader and grader_version = $version
        ) verdicts using (generation_id)
        left join (
            select problem_id, any_value(gold) as gold, any_value(question) as question
            from problems group by problem_id
        ) golds using (problem_id)
        where g.run = $run and g.label is not null
        order by verdicts.correct is null, g.stage, g.problem_id, g.sample
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    if labelled.is_empty():
        return {}
    apart = [row for row in labelled.to_dicts() if row["correct"] != row["label"]]
    undecided = sum(row["correct"] is None for row in apart)
    path = f"grades/{run}/{rule.name}-{rule.version}-disagreements.jsonl"
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in apart)
    with files.explained(store.folder):
        files.write(store.folder, [(path, lines.encode())])
    return {
        "agree": labelled.height - len(apart),
        "disagree": len(apart) - undecided,
        "undecided": undecided,
        "disagreements": str(store.folder / path),
    }
