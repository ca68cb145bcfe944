"""Two processes train one model: what both store is the same, and what one process would.

The same file is also the program that runs several commands in one process: starting a process
takes longer than any of them.
"""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from data.errors import UserError
from data.sources.samples.damaged_records import stratos_rows
from data.sources.samples.word_problems import gsm8k_rows
from data.store.store import ask, open_store
from pipeline import distributed
from pipeline.stopping import TEMPORARY
from tests import ROOT
from tests.support.few_layers import UNOPTIMIZED, made_in
from tests.support.files import jsonl
from workbench.cli.main import main

SIGNAL_AFTER = "SIGNAL_AFTER"  # variable: see run_all
MESH = ["--set", "model.fsdp=2", "--set", "model.tensor_parallel=2"]
STEPS, SIGNALLED_AFTER = 4, 2  # of SFT
SFT = ["sft", "--steps", str(STEPS), "--batch", "4"]
GRPO = ["grpo"]
for knob in (
    "grpo.steps=2", "grpo.evaluate_every=2", "grpo.prompts=2", "grpo.group=4",
    "grpo.max_tokens=8", "eval.max_tokens=8", "data.heldout=4",
):  # fmt: skip
    GRPO += ["--set", knob]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    made_in(folder / "model")
    jsonl(folder / "records.jsonl", stratos_rows(64, 0))
    (folder / "problems").mkdir()
    for split in ("train", "test"):
        jsonl(folder / "problems" / f"{split}.jsonl", gsm8k_rows(24, 0, split))
    return folder


def complete(store: Path, command: list[str]) -> list[str]:
    """`command` for that store, on rows few enough that not they take the time."""
    beside = store.parent
    given = {"records": "few", "records_from": beside / "records.jsonl"}
    if command[0] == "grpo":
        given = {"problems": "sums", "problems_from": beside / "problems"}
    knobs = [word for name, value in given.items() for word in ("--set", f"data.{name}={value}")]
    return ["--store", str(store), *command, *knobs, "--model", str(beside / "model"), "--json"]


def started(
    store: Path, commands: list[list[str]], devices: int, **variables: str
) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices} {UNOPTIMIZED}"
    environment = os.environ | variables | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    lines = [complete(store, [*command, *MESH]) for command in commands]
    line = [sys.executable, "-m", "tests.pipeline.test_distributed", json.dumps(lines)]
    piped = subprocess.PIPE
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=piped, stderr=piped, text=True)


def two(
    folder: Path, commands: list[list[str]], of_second: list[list[str]]
) -> list[subprocess.Popen[str]]:
    """Two processes, each with two devices and its own store; the second signals itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        variables = {
            distributed.COORDINATOR: f"127.0.0.1:{free.getsockname()[1]}",
            distributed.PROCESSES: "2",
        }
    signalled = {SIGNAL_AFTER: str(SIGNALLED_AFTER)}
    first = variables | {distributed.PROCESS: "0"}
    second = variables | {distributed.PROCESS: "1"} | signalled
    return [
        started(folder / "store0", commands, 2, **first),
        started(folder / "store1", of_second, 2, **second),
    ]


def output_of(*processes: subprocess.Popen[str]) -> list[list[list]]:
    """Of each process: exit code, stdout and stderr of each of its commands.

    On failure all are killed.
    """
    try:
        texts = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()  # closes its pipes, too
    print(*(err[-2000:] for _, err in texts))  # shown where a test fails
    return [[json.loads(line) for line in out.splitlines()] for out, _ in texts]


def rows(store: Path, query: str) -> list[tuple]:
    return ask(open_store(store), query).rows()


@pytest.fixture(scope="module")
def outputs(folder) -> list[list[list]]:
    """What each of two processes put out, of which the second signals itself within SFT.

    SFT, the same resumed, GRPO, and SFT with another seed in the second process.
    """
    return output_of(*two(folder, [SFT, SFT, GRPO, SFT], [SFT, SFT, GRPO, [*SFT, "--seed", "1"]]))


@pytest.fixture(scope="module")
def trained(folder, outputs) -> list[Path]:
    """The stores of this process, which trained SFT alone on one device, and of each of the two."""
    with pytest.raises(SystemExit) as exited:
        main(complete(folder / "alone", SFT))
    assert exited.value.code == 0
    codes = [[code for code, *_ in each[:2]] for each in outputs]
    assert codes == [[TEMPORARY, 0], [128 + signal.SIGTERM, 0]], outputs
    return [folder / name for name in ("alone", "store0", "store1")]


LOSSES = "select step, value from metrics where name like 'sft/%loss' order by step"


def test_losses_are_those_of_one_process_though_one_of_two_got_a_signal(trained):
    alone, first, second = (rows(store, LOSSES) for store in trained)
    assert len(alone) == STEPS
    assert first == second
    assert first == [(step, pytest.approx(value, rel=1e-3)) for step, value in alone]


def test_each_process_has_the_whole_trained_model(trained):
    alone, first, second = (
        load_file(next(store.glob("checkpoints/sft-*/merged/model.safetensors")))
        for store in trained
    )
    assert first.keys() == second.keys() == alone.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(np.allclose(first[name], alone[name], atol=1e-3) for name in first)


def test_both_processes_store_the_same_rollouts_checkpoints_and_weights_of_grpo(outputs, trained):
    assert [each[2][0] for each in outputs] == [0, 0], outputs
    answers = [json.loads(each[2][1]) for each in outputs]
    assert answers[0]["run"] == answers[1]["run"]
    stores = trained[1:]
    for query in (
        "select run, step, problem_id, sample, text, reward, advantage from rollouts order by all",
        "select run, name, step, value from metrics order by all",
        "select checkpoint, metric from checkpoints order by all",
    ):
        first, second = (rows(store, query) for store in stores)
        assert first == second
        assert len(first) > 1
    merged = [store / answers[0]["model"] / "model.safetensors" for store in stores]
    assert merged[0].read_bytes() == merged[1].read_bytes()


def test_processes_that_would_do_different_things_are_refused_by_both(outputs, trained):
    for number, each in enumerate(outputs):
        code, _, err = each[3]
        assert code == 2, outputs
        assert f"in process {number}, and not the same in process 0 and process(es) 1" in err


@pytest.mark.parametrize(
    "variables",
    [
        {distributed.PROCESSES: "2"},
        {distributed.COORDINATOR: "host:1", distributed.PROCESSES: "2", distributed.PROCESS: "2"},
        {distributed.COORDINATOR: "host:1", distributed.PROCESSES: "two", distributed.PROCESS: "0"},
        {distributed.COORDINATOR: "host", distributed.PROCESSES: "2", distributed.PROCESS: "0"},
        {distributed.COORDINATOR: ":1", distributed.PROCESSES: "2", distributed.PROCESS: "-1"},
    ],
)
def test_incomplete_variables_are_refused_with_what_is_expected(variables):
    with pytest.raises(UserError, match=r"found THINKBENCH_.*expected THINKBENCH_COORDINATOR"):
        distributed.join(variables)


def test_without_the_variables_a_process_is_alone():
    distributed.join({"THINKBENCH_TOKEN": "secret"})
    assert not distributed.several()
    assert distributed.any_of(True)
    assert not distributed.any_of(False)
    assert distributed.in_all([True, False]) == [True, False]
    assert distributed.minimum(3) == 3


def run_all(commands: list[list[str]], signal_after: int | None) -> None:
    """Print a line per command as it ends: exit code, stdout, stderr; stop at the first failure.

    signal_after: the step of SFT after which this process sends itself SIGTERM, once
    """
    from workbench.jobs.progress_file import ProgressFile

    update, signals = ProgressFile.update, [signal_after]

    def update_and_signal(file: ProgressFile, name: str, step: int, *shown: Any) -> None:
        update(file, name, step, *shown)
        if name == "sft" and step in signals:
            signals.remove(step)
            os.kill(os.getpid(), signal.SIGTERM)

    pytest.MonkeyPatch().setattr(ProgressFile, "update", update_and_signal)
    for command in commands:
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as exited,
        ):
            main(command)
        code = exited.value.code
        print(json.dumps((code, out.getvalue(), err.getvalue())), flush=True)
        if code not in (0, TEMPORARY, 128 + signal.SIGTERM):
            break


if __name__ == "__main__":
    after = os.environ.get(SIGNAL_AFTER)
    run_all(json.loads(sys.argv[1]), int(after) if after else None)
