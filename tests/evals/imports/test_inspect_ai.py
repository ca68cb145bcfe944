"""Logs of Inspect AI, written by itself: each sample and epoch comes in, or says why not."""

# pyright: reportMissingImports=false
# inspect-ai is installed where these tests run, not where types are checked

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.store.store import ask
from evals.imports.import_file import import_file
from evals.imports.records import problem_id_of

NEEDS = "inspect-ai writes the logs that this test reads (requirements-inspect.txt)"
LOG_IN_ALL_BUT_NAME = '{"version": 2, "status": "success", "eval": {}}'


@pytest.fixture
def inspect_ai() -> Any:
    return pytest.importorskip("inspect_ai", reason=NEEDS)


def written(path: Path, *samples: dict[str, Any], epochs: int = 1, status: Any = "success") -> Path:
    """A log by Inspect itself. (No task runs: its mock of a model asks the network for tokens.)"""
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalSample,
        EvalSpec,
        write_eval_log,
    )

    first = {"id": 1, "epoch": 1, "input": "3 + 4?", "target": "7"}
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="sums",
        dataset=EvalDataset(samples=len({sample.get("id", 1) for sample in samples}) + 8),
        model="mock",
        config=EvalConfig(epochs=epochs),
    )
    rows = [EvalSample(**(first | sample)) for sample in samples]
    write_eval_log(EvalLog(eval=spec, samples=rows, status=status), str(path))
    return path


@pytest.fixture(params=["eval", "json"])
def log(inspect_ai, tmp_path, request) -> Path:
    """Two epochs of five samples: a wrong answer, cut off, then a right one with thought."""
    from inspect_ai.log import EvalError
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        ContentReasoning,
        ContentText,
        ModelOutput,
        ModelUsage,
    )
    from inspect_ai.scorer import Score

    thought = [
        ContentReasoning(reasoning="3 and 4"),
        ContentReasoning(reasoning="xyz", redacted=True),
        ContentText(text="It is 7"),
    ]
    cut_off = ModelOutput.from_content("mock", "It is 8", stop_reason="max_tokens")
    cut_off.usage = ModelUsage(output_tokens=4)
    answer = ChatCompletionChoice(message=ChatMessageAssistant(content=thought), stop_reason="stop")
    answers = [
        {"epoch": 1, "output": cut_off, "scores": {"match": Score(value="I")}},
        {
            "epoch": 2,
            "output": ModelOutput(model="mock", choices=[answer]),
            "scores": {"match": Score(value="C")},
        },
    ]
    messages = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="7 + 0?")]
    error = EvalError(message="the tool broke", traceback="", traceback_ansi="")
    samples_of_epoch = [
        {"id": 1},
        {"id": "two", "input": messages, "target": ["7", "seven"]},
        {"id": "again"},
        {"id": "fails", "input": "5?", "error": error},
        {"id": "silent", "input": "6?", "output": ModelOutput(model="mock")},
    ]
    samples = [answer | question for answer in answers for question in samples_of_epoch]
    return written(tmp_path / f"log.{request.param}", *samples, epochs=2)


def test_every_sample_and_epoch_is_a_generation_or_a_rejection(store, log):
    summary = import_file(store, log, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (10, 6, 4)
    query = """
        select question, gold, stage, sample, text, label, tokens, finish
        from generations join problems using (problem_id)
        order by question, sample
    """
    first = ("import", 0, "It is 8", False, 4, "length")
    second = ("import", 1, "<think>3 and 4</think>\nIt is 7", True, None, "stop")
    assert ask(store, query).rows() == [
        ("3 + 4?", "7", *first),
        ("3 + 4?", "7", *second),
        ("3 + 4?", "7", "import", 2, *first[2:]),
        ("3 + 4?", "7", "import", 3, *second[2:]),
        ("7 + 0?", "7 \u27e8or\u27e9 seven", *first),
        ("7 + 0?", "7 \u27e8or\u27e9 seven", *second),
    ]
    rejected = [json.loads(line) for line in Path(summary["rejections"]).read_text().splitlines()]
    assert sorted((row["reason"], json.loads(row["content"])["epoch"]) for row in rejected) == [
        ("no output", 1),
        ("no output", 2),
        ("the sample ended in an error", 1),
        ("the sample ended in an error", 2),
    ]


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ({"match": "C"}, True),
        ({"match": "I"}, False),
        ({"match": 1.0, "model": True}, True),
        ({"match": 0}, False),
        ({"match": "C", "model": "I"}, None),
        ({"match": "N"}, None),
        ({"match": 0.5}, None),
        ({"match": {"a": 1}}, None),
        ({}, None),
    ],
)
def test_a_label_is_kept_where_all_scorers_agree(inspect_ai, store, tmp_path, scores, label):
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score

    sample = {
        "output": ModelOutput.from_content("mock", "It is 7"),
        "scores": {name: Score(value=value) for name, value in scores.items()},
    }
    import_file(store, written(tmp_path / "one.eval", sample), "theirs")
    assert ask(store, "select label from generations").item() is label


@pytest.mark.parametrize(
    ("scorer", "gold"),
    [("choice", "A, C"), ("answer", "A \u27e8or\u27e9 C"), (None, "A, C")],
)
def test_the_options_of_a_multiple_choice_must_all_be_chosen(
    inspect_ai, store, tmp_path, scorer, gold
):
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score

    sample = {
        "target": ["A", "C"],
        "choices": ["one", "two", "three"],
        "output": ModelOutput.from_content("mock", "ANSWER: C, A"),
        "scores": {scorer: Score(value="C")} if scorer else None,
    }
    import_file(store, written(tmp_path / "one.eval", sample), "theirs")
    assert ask(store, "select gold from problems").item() == gold
    query = "select correct from scores where grader = 'lenient'"
    assert ask(store, query).item() is (None if scorer == "answer" else True)


def test_gsm8ks_marker_is_taken_from_a_target(inspect_ai, store, tmp_path):
    from inspect_ai.model import ModelOutput

    sample = {
        "target": "3 and 4\n#### 7",
        "output": ModelOutput.from_content("mock", "It is 7"),
    }
    import_file(store, written(tmp_path / "one.json", sample), "theirs")
    assert ask(store, "select gold, problem_id from problems").row(0) == (
        "7",
        problem_id_of("3 + 4?", "7"),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.eval", b""),
        ("broken.eval", b"PK\x03\x04 and no more"),
        ("broken.json", LOG_IN_ALL_BUT_NAME.encode()),
        ("broken.json", LOG_IN_ALL_BUT_NAME[:-1].encode()),
    ],
)
def test_a_broken_log_is_refused(inspect_ai, store, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=r"is not a complete log of Inspect AI: .* Expected what"):
        import_file(store, tmp_path / name, "theirs")


def test_a_zip_of_something_else_is_refused(inspect_ai, store, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.eval", "w") as other:
        other.writestr("readme.txt", "hello")
    with pytest.raises(UserError, match=r"is not a complete log of Inspect AI"):
        import_file(store, tmp_path / "other.eval", "theirs")


def test_no_damage_to_a_log_goes_unnamed(inspect_ai, store, log):
    whole = log.read_bytes()
    for position in range(0, len(whole), len(whole) // 10):
        log.write_bytes(whole[:position] + b"\xff\x00}" + whole[position + 3 :])
        try:
            import_file(store, log, f"damaged-{position}")
        except UserError as error:
            assert "log of Inspect AI" in str(error)  # noqa: PT017, a lucky place does no harm


def test_a_json_that_is_no_log_is_read_as_lines(store, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{\n  "rows": []\n}\n')
    with pytest.raises(UserError, match=r"line 1: broken JSON.*or a log of Inspect AI"):
        import_file(store, path, "theirs")
    row = {"problem_id": "p", "question": "3 + 4?", "gold": "7", "text": "7"}
    path.write_text(json.dumps(row))
    assert import_file(store, path, "theirs")["imported"] == 1


@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_a_log_without_its_reader_says_what_to_install(store, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.delitem(sys.modules, "inspect_ai.log", raising=False)
    (tmp_path / name).write_text(LOG_IN_ALL_BUT_NAME)
    with pytest.raises(UserError, match=r"pip install 'thinkbench\[inspect\]'"):
        import_file(store, tmp_path / name, "theirs")


def test_epochs_that_the_log_does_not_announce_are_samples_too(inspect_ai, store, tmp_path):
    samples = [{"id": name, "epoch": epoch} for epoch in (1, 2, 3) for name in ("a", "b")]
    outputs = {"output": inspect_ai.model.ModelOutput.from_content("mock", "It is 7")}
    log = written(tmp_path / "log.eval", *(sample | outputs for sample in samples), epochs=1)
    summary = import_file(store, log, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (6, 6, 0)


@pytest.mark.parametrize(
    ("status", "log"),
    [("success", None), ("cancelled", "cancelled: 2 of 18 samples"),
     ("error", "error: 2 of 18 samples"), ("started", "started: 2 of 18 samples")],
)  # fmt: skip
def test_a_log_that_was_broken_off_is_imported_as_far_as_it_goes_and_says_so(
    inspect_ai, store, tmp_path, status, log
):
    output = {"output": inspect_ai.model.ModelOutput.from_content("mock", "It is 7")}
    samples = ({"id": 1, "epoch": epoch} | output for epoch in (1, 2))
    path = written(tmp_path / "log.eval", *samples, epochs=2, status=status)
    summary = import_file(store, path, "theirs")
    assert (summary["imported"], summary.get("log")) == (2, log)
