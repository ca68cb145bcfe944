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
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from data.errors import UserError
from data.store.store import ask, open_store
from pipeline import distributed
from tests import ROOT
from tests.support.few_layers import UNOPTIMIZED, made_in

MESH = ["--set", "model.fsdp=2", "--set", "model.tensor_parallel=2"]
SFT = ["sft", "--steps", "24", "--batch", "4", *MESH]
GRPO = ["grpo", *MESH]
for knob in (
    "grpo.steps=2", "grpo.evaluate_every=2", "grpo.prompts=2", "grpo.group=4",
    "grpo.max_tokens=16", "eval.max_tokens=16", "data.heldout=4",
):  # fmt: skip
    GRPO += ["--set", knob]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    made_in(folder / "model")
    return folder


def started(
    store: Path, commands: list[list[str]], devices: int, **variables: str
) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices} {UNOPTIMIZED}"
    progress = store.with_suffix(".progress")
    progress.unlink(missing_ok=True)
    environment = os.environ | variables | {
        "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "THINKBENCH_PROGRESS": str(progress),
    }  # fmt: skip
    model = ["--model", str(store.parent / "model"), "--json"]
    complete = [["--store", str(store), *command, *model] for command in commands]
    several = ["tests.pipeline.test_distributed", json.dumps(complete)]
    program = ["workbench", *complete[0]] if len(complete) == 1 else several
    line, piped = [sys.executable, "-m", *program], subprocess.PIPE
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=piped, stderr=piped, text=True)


def two(
    folder: Path, commands: list[list[str]], of_second: list[list[str]] | None = None
) -> list[subprocess.Popen[str]]:
    """Two processes, each with two devices and its own store.

    of_second: the commands of the second process, if they are not those of the first
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        variables = {
            distributed.COORDINATOR: f"127.0.0.1:{free.getsockname()[1]}",
            distributed.PROCESSES: "2",
        }
    return [
        started(
            folder / f"store{number}", own, 2, **variables, **{distributed.PROCESS: str(number)}
        )
        for number, own in enumerate((commands, of_second or commands))
    ]


def output_of(*processes: subprocess.Popen[str]) -> list[tuple[str, str]]:
    """stdout and stderr of each process after it ended; on failure all are killed."""
    try:
        return [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def ended(*processes: subprocess.Popen[str], codes: tuple[int, ...] = (0, 0)) -> None:
    for process, code, (_, err) in zip(processes, codes, output_of(*processes), strict=False):
        assert process.returncode == code, err[-2000:]


def rows(store: Path, query: str) -> list[tuple]:
    return ask(open_store(store), query).rows()


def steps_done(progress: Path) -> int:
    try:
        return json.loads(progress.read_text())["work"]["sft"]["step"]
    except (FileNotFoundError, KeyError):
        return 0


@pytest.fixture(scope="module")
def outputs(folder) -> list[list[list]]:
    """SFT in one process alone; and in two, of which one got a signal and which were resumed.

    Then GRPO, and SFT with another seed in the second process. Returns, for each of the two, exit
    code, stdout and stderr of each command that ended.
    """
    ended(started(folder / "alone", [SFT], 4))
    pair = two(folder, [SFT])
    while steps_done(folder / "store1.progress") < 3:
        assert all(process.poll() is None for process in pair), ended(*pair)
        time.sleep(0.02)
    pair[1].send_signal(signal.SIGTERM)
    ended(*pair, codes=(75, 128 + signal.SIGTERM))
    both = output_of(*two(folder, [SFT, GRPO, SFT], [SFT, GRPO, [*SFT, "--seed", "1"]]))
    print(*(err[-2000:] for _, err in both))  # shown where a test fails
    return [[json.loads(line) for line in out.splitlines()] for out, _ in both]


@pytest.fixture(scope="module")
def trained(folder, outputs) -> list[Path]:
    """The stores: of one process alone, and of each of the two."""
    assert [each[0][0] for each in outputs] == [0, 0], outputs
    return [folder / name for name in ("alone", "store0", "store1")]


LOSSES = "select step, value from metrics where name like 'sft/%loss' order by step"


def test_losses_are_those_of_one_process_though_one_of_two_got_a_signal(trained):
    alone, first, second = (rows(store, LOSSES) for store in trained)
    assert len(alone) == 24
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
    assert [each[1][0] for each in outputs] == [0, 0], outputs
    answers = [json.loads(each[1][1]) for each in outputs]
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
        assert each[2][0] == 2, outputs
        err = each[2][2]
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


def run_all(commands: list[list[str]]) -> None:
    """Print a line per command as it ends: exit code, stdout, stderr; stop at the first failure."""
    from workbench.cli.main import main

    for command in commands:
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as exited,
        ):
            main(command)
        print(json.dumps((exited.value.code, out.getvalue(), err.getvalue())), flush=True)
        if exited.value.code:
            break


if __name__ == "__main__":
    run_all(json.loads(sys.argv[1]))
