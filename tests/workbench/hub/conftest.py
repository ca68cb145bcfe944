"""What is published in these tests: a subset, and an evaluation."""

import json

import pytest


@pytest.fixture
def short(say, tmp_path):
    """A subset of four records."""
    rows = [
        {"prompt": f"What is {n} + 1?", "completion": f"<think>one more</think>\n{n + 1}"}
        for n in range(4)
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    for words in (("ingest", "mine", "--from", path, "--shape", "completion"),
                  ("convert", "mine"), ("subset", "new", "short")):  # fmt: skip
        assert say(*words)[0] == 0


@pytest.fixture
def one(say, tmp_path):
    """An evaluation of two answers, the second one correct."""
    rows = [
        {"problem_id": f"p{n}", "question": "2 + 2?", "gold": "4", "text": f"#### {n + 3}"}
        for n in range(2)
    ]
    (tmp_path / "one.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert say("import", tmp_path / "one.jsonl", "--name", "one")[0] == 0
