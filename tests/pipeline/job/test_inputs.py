"""What a stage reads: examples without rows of a test split, and the hash of the code."""

import json

from data.audit import queries
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from evals.scores.problems import problems_of_split
from pipeline.job.inputs import examples_of, source_files
from tests import ROOT


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


def test_the_hash_of_the_code_covers_the_code_and_tables_of_three_floors_but_no_preset():
    files = {str(path.relative_to(ROOT)) for path in source_files()}
    assert {
        "data/errors.py",
        "data/conversion/dialects/dialects.toml",
        "evals/graders/rules.py",
        "pipeline/config.py",
        "pipeline/job/inputs.py",
        "pipeline/preflight/gemma3.toml",
        "pipeline/presets/load.py",
    } <= files
    assert {path.split("/")[0] for path in files} == {"data", "evals", "pipeline"}
    assert {path for path in files if path.endswith(".pyi")} == set()
    assert {path for path in files if path.startswith("pipeline/presets/")} == {
        "pipeline/presets/__init__.py",
        "pipeline/presets/load.py",
    }
