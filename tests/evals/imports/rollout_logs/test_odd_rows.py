"""Whatever a row of a log holds, it is imported or rejected: no value of it ends an import."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from evals.imports.records import Rejection
from evals.imports.rollout_logs.files import log_files
from evals.imports.rollout_logs.formats import FORMATS, rollouts_of
from evals.imports.rollout_logs.import_log import import_rollouts
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
