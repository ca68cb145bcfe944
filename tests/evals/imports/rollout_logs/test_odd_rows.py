"""Whatever a row of a log holds, it is imported or rejected: no value of it ends an import."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from evals.imports.records import Rejection
from evals.imports.rollout_logs.files import log_files
from evals.imports.rollout_logs.formats import FORMATS, rollouts_of
from evals.imports.rollout_logs.import_log import import_rollouts
from evals.imports.rollout_logs.records import LoggedRollout
from evals.imports.rollout_logs.staging import stage
from tests.support import rollout_logs as logs

ODD = (None, True, "", " ", "\ud800", "7", -1, 0, 2**31, 10**400, 1e308, float("nan"),
       float("inf"), [], [None], [[]], [[1.5], "a"], {}, {"a": {}}, {"content": 3})  # fmt: skip
MAKERS = {
    "verl": logs.verl_1,
    "prime-rl": logs.prime_rl,
    "verifiers": logs.verifiers,
    "nemo-rl": logs.nemo_rl,
    "rllm": logs.rllm,
    "neutral": logs.neutral,
}
ROWS = 300


def changed(value: Any, draw: random.Random) -> Any:
    """A copy of `value` with one odd value somewhere in it, or one thing less."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        name = draw.choice(list(value))
        rest = {key: each for key, each in value.items() if key != name}
        return rest if draw.random() < 0.15 else {**value, name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], changed(value[at], draw), *value[at + 1 :]]
    return draw.choice(ODD)


@pytest.mark.parametrize("name", MAKERS)
def test_every_odd_row_is_imported_or_rejected(name, tmp_path):
    files = log_files(MAKERS[name](tmp_path / "log"))
    row = json.loads(files[0].path.read_text().splitlines()[0])
    draw = random.Random(0)
    path = files[0].path
    path.write_text("".join(json.dumps(changed(row, draw)) + "\n" for _ in range(ROWS)))
    if path.suffix == ".json":
        path = path.rename(path.with_suffix(".jsonl"))  # many episodes in one file
    [file] = [each for each in log_files(tmp_path / "log") if each.path == path]
    (tmp_path / "work").mkdir()
    staged = stage([file], FORMATS[name], tmp_path / "work")
    assert staged.read == sum(staged.rejected.values()) + staged.rollouts.total()
    assert staged.read >= ROWS
    assert staged.rollouts.total() > 0
    for split in staged.rollouts:
        assert sum(rows.height for rows in staged.rows(split)) == staged.rollouts[split]


def test_a_broken_parquet_file_is_one_rejection(tmp_path):
    folder = logs.trl(tmp_path)
    broken = folder / "completions" / "completions_00030.parquet"
    broken.write_bytes(b"PAR1 cut off")
    rows = [row for file in log_files(folder) for _, row in rollouts_of(file, FORMATS["trl"], None)]
    rejected = [row for row in rows if isinstance(row, Rejection)]
    assert [row.reason for row in rejected] == ["not a whole Parquet file"]
    assert len(rows) == 5


def test_a_log_of_nothing_usable_is_refused_with_its_reasons(store, tmp_path: Path):
    path = logs.lines(tmp_path / "a.jsonl", {"question": "1 + 1?", "text": None, "reward": 1})
    with pytest.raises(
        UserError, match=r"no usable rollout: 1 rows .*text is missing or no text: 1"
    ):
        import_rollouts(store, path, "theirs")


def test_every_file_is_imported_or_named_with_its_rejected_rows(store, tmp_path):
    row = {"step": 1, "question": "1 + 1?", "text": "2", "reward": 1}
    log = tmp_path / "log"
    logs.lines(log / "1.jsonl", row)
    logs.lines(log / "2.jsonl", {"title": "written later"}, row)  # its first row does not fit
    logs.lines(log / "3.jsonl", "{broken", '{"step"')
    logs.lines(log / "4.jsonl", {"loss": 1}, {"loss": 2}, {"loss": 3})
    (log / "5.parquet").write_bytes(b"PAR1")
    (log / "6.csv").write_text("a,b\n1,2\n")
    summary = import_rollouts(store, log, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (10, 2, 8)
    rejected = [json.loads(line) for line in Path(summary["rejections"]).read_text().splitlines()]
    assert [(entry["file"], entry["line"]) for entry in rejected] == [
        ("2.jsonl", 1), ("3.jsonl", 1), ("3.jsonl", 2), ("4.jsonl", 1), ("4.jsonl", 2),
        ("4.jsonl", 3), ("5.parquet", 1), ("6.csv", 1),
    ]  # fmt: skip


def test_a_value_that_python_cannot_hold_rejects_its_row_alone(tmp_path):
    step, prompt = pa.array([1] * 4), pa.array(["q"] * 4)
    offsets = pa.array(["a", "b", "zz", "d"]).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 4, [None, offsets, pa.py_buffer(b"ab\xff\xfed")])
    when = pa.array([1, 2**62, 1, 1], pa.timestamp("us"))
    table = pa.table({"step": step, "prompt": prompt, "completion": texts, "when": when})
    path = tmp_path / "completions_00001.parquet"
    pq.write_table(table, path)
    [file] = log_files(path)
    rows = [row for _, row in rollouts_of(file, FORMATS["trl"], None)]
    assert [row.text if isinstance(row, LoggedRollout) else row.line for row in rows] == [
        "a", 2, 3, "d"
    ]  # fmt: skip


def test_bytes_that_are_no_utf_8_cost_their_line_and_no_file_for_its_name(store, tmp_path):
    row = b'{"step": 1, "question": "q", "text": "%s", "reward": 1}\n'
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.jsonl"))
    path.write_bytes(b"".join(row % text for text in (b"a", b"caf\xe9", b"b")))
    summary = import_rollouts(store, path, "theirs")
    assert (summary["imported"], summary["reasons"]) == (2, {"not UTF-8": 1})
