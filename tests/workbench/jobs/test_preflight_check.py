"""The check before training starts: what does not fit is refused, before any row is read."""

import pytest

from pipeline.preflight import chips
from pipeline.preflight.chips import Chip
from tests.support import few_rows

GEMMA = ("--model", "google/gemma-3-1b-it")
TOO_LARGE = ("--set", "sft.batch=64", "--set", "model.remat=false")
GROUPS = ("--set", "grpo.prompts=64", "--set", "grpo.micro_batch=64")
NOWHERE = ("--set", "data.records=nowhere", "--set", "data.problems=nowhere")


@pytest.fixture
def refused(say, tmp_path):
    """The message of a command that is refused, with nothing written."""

    def refused(*command: str) -> str:
        code, out, err = say(*command, "--allow-other-device")
        assert (code, out) == (2, "")
        assert not list(tmp_path.glob("store/*/**/*.parquet"))
        return err

    return refused


def test_sft_that_does_not_fit_is_refused_with_the_nearest_setting_that_does(refused):
    err = refused("sft", "--preset", "v6e-1", *TOO_LARGE)
    assert "preset v6e-1 does not fit v6e, which has 31.25 GiB" in err
    assert "sft needs 190." in err
    assert "with --set sft.batch=8" in err
    assert "--no-preflight" in err


def test_grpo_is_refused_for_its_own_steps_only(refused):
    err = refused("grpo", "--preset", "v6e-1", *GEMMA, *TOO_LARGE[:2], *GROUPS)
    assert "grpo needs" in err
    assert "--set grpo.micro_batch=" in err
    assert "sft needs" not in err


def test_the_whole_job_is_refused_for_each_step_that_does_not_fit(refused):
    large = ("--set", "eval.batch=8192")
    err = refused("run", "--preset", "v6e-1", *TOO_LARGE, *GROUPS, *large)
    assert [name for name in ("sft", "grpo", "eval decode") if f"  {name} needs" not in err] == []


def test_training_that_fits_or_skips_the_check_continues_to_its_rows(refused):
    assert "nowhere" in refused("sft", "--preset", "v6e-1", "--model", "tiny", *NOWHERE)
    huge = ("--set", "sft.batch=1000000", "--model", "tiny")
    assert "does not fit" in refused("sft", "--preset", "v6e-1", *huge, *NOWHERE)
    err = refused("sft", "--preset", "v6e-1", *huge, *NOWHERE, "--no-preflight")
    assert "does not fit" not in err
    assert "nowhere" in err


def test_the_starting_model_is_checked_not_the_one_of_the_preset(refused):
    assert "does not fit" in refused("sft", "--preset", "v6e-1", *TOO_LARGE, *NOWHERE)
    err = refused("sft", "--preset", "v6e-1", *TOO_LARGE, "--model", "tiny", *NOWHERE)
    assert "nowhere" in err


def test_without_an_accelerator_the_memory_of_the_machine_counts(refused, monkeypatch):
    monkeypatch.setattr(chips, "this_machine", lambda: Chip("cpu", 2**26, "cpu"))
    assert "preset tiny does not fit cpu, which has 0.06 GiB" in refused("sft")


def test_a_preset_without_a_chip_is_reported_as_unchecked(refused, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('like = "v6e-1"\n[model]\nchip = ""\n')
    err = refused("sft", "--preset", str(path), *TOO_LARGE, "--model", "tiny", *NOWHERE)
    assert "'mine' names no chip" in err
    assert "nowhere" in err


def test_a_preset_that_is_like_another_is_for_its_chip(refused, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('like = "v6e-1"\n[sft]\nbatch = 64\n[model]\nremat = false\n')
    assert "preset mine does not fit v6e" in refused("sft", "--preset", str(path))


@pytest.mark.parametrize("command", ["sft", "grpo", "run", "eval"])
def test_a_preset_for_a_chip_that_is_not_here_is_refused(say, tmp_path, command):
    code, out, err = say(command, "--preset", "v6e-1", *NOWHERE)
    assert (code, out) == (2, "")
    assert "preset v6e-1 is for a v6e (TPU v6 lite, 31 GiB for programs); jax has " in err
    assert "x CPU here" in err
    assert "--allow-other-device" in err
    assert not list(tmp_path.glob("store/*/**/*.parquet"))
    allowed = ("--set", "model.model=tiny", "--allow-other-device")
    err = say(command, "--preset", "v6e-1", *NOWHERE, *allowed)[2]
    assert err.startswith("Running on ")
    assert "is for a v6e" not in err


def test_an_ab_trial_is_checked_like_training(say, tmp_path):
    few = few_rows.written(tmp_path / "few")
    for command in (
        ("ingest", "samples-stratos", "--from", few.records),
        ("convert", "samples-stratos"),
        ("subset", "new", "short", "--where", "reasoning_chars < 40"),
    ):
        assert say(*command)[0] == 0
    code, out, err = say(
        "ab", "short", "--preset", "v6e-1", *TOO_LARGE, *GROUPS, "--allow-other-device"
    )
    assert (code, out) == (2, "")
    assert "sft needs" in err
    assert "grpo needs" not in err
    assert "the preset's filter is not applied" in err
