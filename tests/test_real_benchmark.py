"""The benchmark on a real model: its settings, its table, and a call that ends in time."""

import json
import time

import pytest

from benchmarks import real
from data.progress import no_progress
from data.store import runs
from data.store.store import ask
from pipeline.job.runs import Done, Job
from pipeline.presets.load import load_preset
from pipeline.stopping import TEMPORARY, Stop
from tests.support.store_rows import scored


def evaluated(store, run: str, stage: str, correct: list[bool]) -> Done:
    """An evaluation of four problems that is done."""
    ids = [f"p{n}" for n in range(len(correct))]
    runs.begin(store, "eval", run=run, stage=stage, config={}, seed=0, inputs={})
    scored(store, run, dict(zip(ids, correct, strict=True)), stage=stage)
    summary = {"seconds": 2.0, "too_long": 0, "bad_gold": 0}
    runs.end(store, run, "done", summary)
    return Done(run, summary)


@pytest.mark.parametrize("name", ["real.toml", "real-short.toml"])
def test_the_presets_train_and_answer_on_the_same_rows(name):
    preset = load_preset(str(real.PRESETS / name))
    assert (preset.data.records, preset.data.problems) == ("gsm8k", "gsm8k")
    assert preset.eval.temperature == 0  # so the base is evaluated for one seed


def test_each_stage_is_compared_with_the_one_before_it_of_its_seed(store):
    trained = Done("sft-0", {"seconds": 5.0})
    done = [
        real.Result(0, "base", None, evaluated(store, "a", "base", [False] * 4)),
        real.Result(0, "sft", trained, evaluated(store, "b", "sft", [True] * 3 + [False])),
        real.Result(0, "grpo", trained, evaluated(store, "c", "grpo", [True] * 4)),
        real.Result(1, "sft", trained, evaluated(store, "d", "sft", [True] * 2 + [False] * 2)),
    ]
    value = real.report(store, done)
    assert [
        (row["seed"], row["from"], row["to"], row["difference"]) for row in value["comparisons"]
    ] == [(0, "base", "sft", 0.75), (0, "sft", "grpo", 0.25), (1, "base", "sft", 0.5)]
    lines = real.markdown(value).splitlines()
    assert lines[3].startswith("| sft | 0 | 4 | 75.0 % (30.1 to 95.4) |")
    assert "| base to sft | 0 | +75.0 (" in real.markdown(value)


def test_a_call_whose_time_is_up_says_so_and_writes_what_is_done(store, tmp_path):
    rows = tmp_path / "gsm8k"
    rows.mkdir()
    for split in ("train", "test"):
        row = {"question": f"{split}: 1 + 1?", "answer": "1 + 1 = 2\n#### 2"}
        (rows / f"{split}.jsonl").write_text(json.dumps(row) + "\n")
    preset = load_preset(str(real.PRESETS / "real-short.toml")).with_knobs(
        "data", records_from=str(rows), problems_from=str(rows)
    )
    job = Job(store, preset, lambda name: no_progress, Stop(time.monotonic()))
    assert real.run(job, "tiny", [0]) == TEMPORARY
    saved = json.loads((store.folder / "real.json").read_text())
    assert (saved["finished"], saved["rows"]) == (False, [])
    assert "not finished" in (store.folder / "real.md").read_text()
    assert ask(store, "select count(*) as n from records")["n"].item() == 2


def test_what_a_person_can_mend_is_said_without_a_traceback(store, tmp_path, capsys):
    preset = load_preset(str(real.PRESETS / "real-short.toml")).with_knobs(
        "data", records_from=str(tmp_path / "none"), problems_from=str(tmp_path / "none")
    )
    assert real.run(Job(store, preset, lambda name: no_progress), "tiny", [0]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
