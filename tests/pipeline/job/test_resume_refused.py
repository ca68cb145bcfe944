"""`--resume RUN` goes on with that run only where all that decides it is as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from data.store import runs
from data.store.store import ask, open_store
from pipeline.job import inputs
from pipeline.stopping import TEMPORARY, Stop
from tests.support.few_layers import made_in
from workbench.cli.main import main

KNOBS = ("--steps", "3", "--batch", "2", "--lora-rank", "2", "--checkpoint-every", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a model of two layers, and a store where SFT of it was told to leave."""
    folder = tmp_path_factory.mktemp("resume")
    made_in(folder / "model")
    assert code_of(folder, "ingest", "samples-stratos") == 0
    assert code_of(folder, "convert", "samples-stratos") == 0
    subset = ("subset", "new", "short", "--where", "reasoning_chars < 300")
    assert code_of(folder, *subset) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stop, "asked", lambda self: True)  # so that it leaves after its first step
        assert code_of(folder, "sft", "--model", str(folder / "model"), *KNOBS) == TEMPORARY
    return folder


def code_of(folder: Path, *command: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(["--store", str(folder / "store"), *command])
    return left.value.code


def broken_off(place: Path) -> str:
    [run] = ask(open_store(place / "store"), "select run from runs where kind = 'sft'")["run"]
    return run


@pytest.fixture
def refused(say, place) -> Callable[..., str]:
    """What `sft --resume` says, which must refuse and leave the run as it was."""

    def refused(*changes: str, run: str | None = None) -> str:
        known = run or broken_off(place)
        command = ("sft", "--model", str(place / "model"), *KNOBS, "--resume", known, *changes)
        store, before = place / "store", tree(place / "store" / "checkpoints")
        code, out, err = say("--store", store, *command)
        assert (code, out) == (2, "")
        assert tree(place / "store" / "checkpoints") == before
        state = runs.state(open_store(store), broken_off(place))
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
def test_a_changed_knob_is_refused_by_its_name(refused, change, words):
    err = refused(*change)
    assert [word for word in words if word not in err] == []
    assert "give that again, or start a new run" in err


def test_a_subset_where_there_was_none_is_refused(refused):
    assert "read.subset was None and is 'short@1" in refused("--subset", "short")


def test_other_rows_are_refused(refused, say, place):
    store = place / "store"
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


def test_other_code_is_refused(refused, monkeypatch):
    monkeypatch.setattr(inputs, "hash_of_code", lambda: "other")
    err = refused()
    assert "read.code was" in err
    assert "and is 'other'" in err


def test_a_run_that_is_none_or_of_another_kind_is_refused(refused, say, place):
    assert "there is no sft run 'sft-x' to resume" in refused(run="sft-x")
    model = ("--model", str(place / "model"))
    code, _, err = say("--store", place / "store", "grpo", *model, "--resume", broken_off(place))
    assert (code, f"there is no grpo run '{broken_off(place)}'" in err) == (2, True)


def test_the_run_goes_on_to_its_end_where_nothing_changed(say, place):
    run = broken_off(place)
    command = ("sft", "--model", str(place / "model"), *KNOBS, "--resume", run)
    assert say("--store", place / "store", *command)[0] == 0
    store = open_store(place / "store")
    state = runs.state(store, run)
    assert state is not None
    assert state["event"] == "done"
    query = "select step from metrics where name = 'sft/train/loss' order by step"
    assert ask(store, query)["step"].to_list() == [1, 2, 3]
