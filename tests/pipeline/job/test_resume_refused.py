"""`--resume RUN` resumes that run only if everything that decides its result is unchanged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data.store import runs
from data.store.store import ask, open_store
from pipeline import fingerprint
from pipeline.job import runs as job_runs
from pipeline.stopping import TEMPORARY, Stop
from tests.support import few_rows
from tests.support.few_layers import made_in
from workbench.cli.main import main

KNOBS = ("--steps", "3", "--batch", "2", "--lora-rank", "2", "--checkpoint-every", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a model of two layers, and a store in which its SFT was interrupted."""
    folder = tmp_path_factory.mktemp("resume")
    made_in(folder / "model")
    few = few_rows.written(folder / "rows")
    assert code_of(folder, "ingest", "samples-stratos", "--from", str(few.records)) == 0
    assert code_of(folder, "ingest", "samples-gsm8k", "--from", str(few.problems)) == 0
    assert code_of(folder, "convert", "samples-stratos") == 0
    subset = ("subset", "new", "short", "--where", "reasoning_chars < 40")
    assert code_of(folder, *subset) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Stop, "should_leave", lambda self: True
        )  # so that it stops after its first step
        assert code_of(folder, "sft", "--model", str(folder / "model"), *KNOBS) == TEMPORARY
    return folder


def code_of(folder: Path, *command: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(["--store", str(folder / "store"), *command])
    return left.value.code


def interrupted_run(folder: Path) -> str:
    [run] = ask(open_store(folder / "store"), "select run from runs where kind = 'sft'")["run"]
    return run


@pytest.fixture
def refused(say, folder) -> Callable[..., str]:
    """The error of `sft --resume`, which must leave the run as it was."""

    def refused(*changes: str, run: str | None = None) -> str:
        resumed = run or interrupted_run(folder)
        command = ("sft", "--model", str(folder / "model"), *KNOBS, "--resume", resumed, *changes)
        store, before = folder / "store", tree(folder / "store" / "checkpoints")
        code, out, err = say("--store", store, *command)
        assert (code, out) == (2, "")
        assert tree(folder / "store" / "checkpoints") == before
        state = runs.state(open_store(store), interrupted_run(folder))
        assert state is not None
        assert state["event"] == "interrupted"
        return err

    return refused


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--steps", "4"), ["config.steps was 3 and is 4"]),
        (("--learning-rate", "0.5"), ["config.learning_rate was 0.002 and is 0.5"]),
        (("--seed", "7"), ["config.seed was 0 and is 7"]),
        (("--steps", "4", "--batch", "4"), ["config.batch was 2 and is 4", "config.steps was 3"]),
    ],
)
def test_the_error_names_the_changed_knob(refused, change, words):
    err = refused(*change)
    assert [word for word in words if word not in err] == []
    assert "use these again, or start a new run" in err


def test_adding_a_subset_is_refused(refused):
    assert "read.subset was None and is 'short@1" in refused("--subset", "short")


def test_other_rows_are_refused(refused, say, folder):
    store = folder / "store"
    [record] = ask(open_store(store), "select record_id from examples order by example_id limit 1")[
        "record_id"
    ]
    assert say("--store", store, "quarantine", record, "--reason", "wrong")[0] == 0
    try:
        assert "read.examples was" in refused()
    finally:
        assert say("--store", store, "release", record, "--reason", "right after all")[0] == 0


def test_another_model_is_refused(refused):
    assert "read.model was" in refused("--model", "tiny")


def change_code(monkeypatch) -> None:
    """As if the loss of SFT were another, and optax too."""
    changed = {"pipeline/loss/sft.py": "other", "optax": "9.9"}
    monkeypatch.setattr(job_runs, "code_of", lambda module: fingerprint.code_of(module) | changed)


def test_other_code_is_refused(refused, monkeypatch):
    change_code(monkeypatch)
    err = refused()
    assert "other code (changed: pipeline/loss/sft.py; optax was 0" in err
    assert "--accept-code-change" in err


def test_other_code_goes_on_from_the_checkpoint_if_it_is_accepted(
    say, folder, tmp_path, monkeypatch
):
    run, here = interrupted_run(folder), tmp_path / "copy"
    shutil.copytree(folder, here)
    before = runs.state(open_store(here / "store"), run)
    assert before is not None
    change_code(monkeypatch)
    command = ("sft", "--model", str(here / "model"), *KNOBS, "--accept-code-change")
    assert say("--store", here / "store", *command)[0] == 0
    store = open_store(here / "store")
    state = runs.state(store, run)
    assert state is not None
    assert state["event"] == "done"
    codes = [digest for name, digest in state["inputs"].items() if name.startswith("code")]
    assert codes == [
        before["inputs"]["code"],
        fingerprint.hash_of(job_runs.code_of("pipeline.job.training.sft_stage")),
    ]
    losses = ask(store, "select step, run from metrics where name = 'sft/train/loss' order by step")
    assert losses.rows() == [(step, run) for step in (1, 2, 3)]


def test_an_unknown_run_or_one_of_another_kind_is_refused(refused, say, folder):
    assert "there is no sft run 'sft-x' to resume" in refused(run="sft-x")
    model = ("--model", str(folder / "model"))
    code, _, err = say(
        "--store", folder / "store", "grpo", *model, "--resume", interrupted_run(folder)
    )
    assert (code, f"there is no grpo run '{interrupted_run(folder)}'" in err) == (2, True)


def test_the_run_is_finished_if_nothing_changed(say, folder):
    run = interrupted_run(folder)
    command = ("sft", "--model", str(folder / "model"), *KNOBS, "--resume", run)
    assert say("--store", folder / "store", *command)[0] == 0
    store = open_store(folder / "store")
    state = runs.state(store, run)
    assert state is not None
    assert state["event"] == "done"
    query = "select step from metrics where name = 'sft/train/loss' order by step"
    assert ask(store, query)["step"].to_list() == [1, 2, 3]
