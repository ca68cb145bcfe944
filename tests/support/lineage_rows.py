"""A store with all that a lineage goes through, for tests of it."""

import json
from pathlib import Path

from data.conversion.convert_source import convert_source
from data.lineage import Step
from data.sources.ingest import ingest
from data.store import annotations, runs
from data.store.store import Store, add, ask
from tests.support.evaluation import evaluate
from tests.support.store_rows import rows_of

RIGHT = "<reasoning>so it is</reasoning>\n<answer>7</answer>"


def traced_in(store: Store, folder: Path) -> Store:
    """Records, a cold start from a subset of them, and its evaluation on four problems."""
    rows = [{"prompt": f"How many apples has Ann, {n}?", "completion": RIGHT} for n in range(3)]
    rows.append({"prompt": "How many pears has Bob?", "completion": "<reasoning>and then"})
    (folder / "mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "mine", folder / "mine.jsonl", "completion")
    convert_source(store, "mine")
    ids = ask(store, "select record_id from examples order by 1")["record_id"].to_list()
    recipe = '{"of": "records", "sources": ["mine"]}'
    annotations.save_subset(store, "all", recipe, ids, author="Ann")
    annotations.save_subset(store, "some", recipe, ids[:2], parent="all@1", author="Ann")
    inputs = {"subset": "some@1 0123", "model": "4567"}
    runs.begin(store, "sft", run="sft-1", stage="sft", config={"steps": 5}, seed=3, inputs=inputs)
    checkpoint = rows_of(
        "checkpoints", checkpoint=["sft-1/5"], step=[5], path=["here"], best=[True]
    )
    add(store, "checkpoints", checkpoint, run="sft-1", stage="sft")
    summary = {"devices": ["1 x TPU v5e"], "start": {"name": "google/gemma", "licence": "gemma"}}
    runs.end(store, "sft-1", "done", summary)
    evaluate(store, "eval-sft", "sft", ["7", "1", "1", "1"], parent="sft-1")
    return store


def kinds(steps: list[Step]) -> list[str]:
    return [step.kind for step in steps]


def give_questions(store: Store, questions: list[str]) -> None:
    """Give the evaluation's problems these questions."""
    ids = [f"p{n}" for n in range(len(questions))]
    add(store, "problems", rows_of("problems", problem_id=ids, question=questions), run="asked")
