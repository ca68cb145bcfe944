"""What a stage reads: examples without rows of a test split."""

import json

from data.audit import queries
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from evals.scores.problems import problems_of_split
from pipeline.job.inputs import examples_of


def test_rows_of_a_test_split_are_problems_and_never_trained_on(store, tmp_path):
    folder = tmp_path / "sums"
    folder.mkdir()
    for split in ("train", "test"):
        rows = [{"question": f"{split} {n}?", "answer": f"so\n#### {n}"} for n in range(3)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(lines)
    ingest(store, "sums", folder, "gsm8k")
    convert_source(store, "sums")
    examples = examples_of(store, "sums", queries.newest(store, "sums"))
    assert sorted(example.prompt for example in examples) == ["train 0?", "train 1?", "train 2?"]
    tested = problems_of_split(store, "sums", "test").usable["question"]
    assert sorted(tested) == ["test 0?", "test 1?", "test 2?"]
