"""Results of a report: metrics by stage, paired tests, transitions, failures with examples."""

from typing import Any

from data.store import Store, ask
from evals.comparison import METRICS, compare, transitions
from evals.failures import CATEGORIES, counts
from evals.scores import UnknownRun
from evals.statistics import holm
from workbench.report.excerpts import marked
from workbench.report.selection import Selection

CATEGORIES_SHOWN = 6  # with examples, of the last stage
EXAMPLES = 2  # of each category
WRITTEN = 3  # problems whose texts of all stages are shown beside each other


def results(store: Store, chosen: Selection) -> dict[str, Any]:
    """stages, tests (p adjusted by Holm over all of them), flow, examples."""
    stages = compare.stages(store, chosen.names, chosen.grader)
    tests = compare.comparisons(store, chosen.names, chosen.grader)
    for row, adjusted in zip(tests, holm([row["p"] for row in tests]), strict=True):
        row["holm"] = adjusted
    flow = None
    if len(stages) > 1:
        names = [_name(stages, row) for row in stages]
        flow = transitions.transitions(store, names, chosen.grader)
    return {
        "metrics": METRICS,
        "stages": stages,
        "tests": tests,
        "overall": _overall(stages, tests),
        "flow": flow,
        "changed": _changed(store, stages, flow) if flow else [],
    }


def _overall(stages: list[dict[str, Any]], tests: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The paired test of the answers of the first stage and the last; None of one stage."""
    ends = stages[0]["run"], stages[-1]["run"], stages[0]["stage"], stages[-1]["stage"]
    for row in tests:
        if (row["from_run"], row["to_run"], row["from"], row["to"], row["metric"]) == (
            *ends,
            "answer",
        ):
            return row
    return None


def _name(stages: list[dict[str, Any]], row: dict[str, Any]) -> str:
    """RUN, or RUN/STAGE of a run with several."""
    several = sum(other["run"] == row["run"] for other in stages) > 1
    return f"{row['run']}/{row['stage']}" if several else row["run"]


def _changed(
    store: Store, stages: list[dict[str, Any]], flow: dict[str, Any]
) -> list[dict[str, Any]]:
    """Problems whose outcome changed from the first stage to the last, with all texts."""
    paths = [row for row in flow["paths"] if row["path"][0] != row["path"][-1]]
    problems = [row["problems"][0] for row in paths][:WRITTEN]
    rows = ask(
        store,
        """
        select
            g.problem_id, g.run, g.stage, any_value(g.question) as question,
            any_value(g.gold) as gold, arg_min(g.text, g.sample) as text
        from answered_generations g
        where list_contains($problems::varchar[], g.problem_id)
            and list_contains($runs::varchar[], g.run)
        group by g.problem_id, g.run, g.stage
        """,
        problems=problems,
        runs=[row["run"] for row in stages],
    ).to_dicts()
    texts = {(row["problem_id"], row["run"], row["stage"]): row for row in rows}
    changed = []
    for problem, path in zip(problems, paths, strict=False):
        answers = [
            {
                "stage": row["stage"],
                "outcome": path["path"][number],
                "text": texts[problem, row["run"], row["stage"]]["text"],
            }
            for number, row in enumerate(stages)
            if (problem, row["run"], row["stage"]) in texts
        ]
        first = next(row for row in rows if row["problem_id"] == problem)
        changed.append({"question": first["question"], "gold": first["gold"], "answers": answers})
    return changed


def failures(store: Store, chosen: Selection) -> dict[str, Any]:
    """columns: stages; rows: categories with a share a column; examples, of the last stage."""
    columns, uncategorised = [], []
    for name in chosen.names:
        try:
            columns += [
                stage | {"run": name} for stage in counts.failure_counts(store, name)["stages"]
            ]
        except UnknownRun:
            uncategorised.append(name)
    names = [name for name in CATEGORIES if any(name in one["categories"] for one in columns)]
    rows = [
        {
            "name": name,
            "means": CATEGORIES[name],
            "shares": [one["categories"].get(name, {"value": 0.0}) for one in columns],
        }
        for name in names
    ]
    rows.sort(key=lambda row: -max(share["value"] or 0 for share in row["shares"]))
    examples = _examples(store, columns[-1]) if columns else []
    return {
        "columns": columns,
        "rows": rows,
        "examples": examples,
        "uncategorised": uncategorised,
    }


def _examples(store: Store, stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The commonest categories of a stage, with a few answers each; the evidence is marked."""
    common = sorted(stage["categories"], key=lambda name: -stage["categories"][name]["value"])
    return [
        {
            "name": name,
            "means": CATEGORIES[name],
            "n": round(stage["categories"][name]["value"] * stage["n"]),
            "answers": _answers(store, stage, name),
        }
        for name in common[:CATEGORIES_SHOWN]
    ]


def _answers(store: Store, stage: dict[str, Any], category: str) -> list[dict[str, Any]]:
    listed = counts.list_failures(store, stage["run"], category, EXAMPLES * 50)["rows"]
    rows = [row for row in listed if row["stage"] == stage["stage"]][:EXAMPLES]
    texts = dict(
        ask(
            store,
            "select generation_id, text from generations"
            " where list_contains($ids::varchar[], generation_id)",
            ids=[row["generation_id"] for row in rows],
        ).iter_rows()
    )
    return [
        {
            "question": row["question"],
            "gold": row["gold"],
            "pieces": marked(
                texts[row["generation_id"]], [(e["start"], e["end"]) for e in row["evidence"]]
            ),
        }
        for row in rows
    ]
