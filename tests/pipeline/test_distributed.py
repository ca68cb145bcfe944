"""Two processes train one model: what both store is the same, and what one process would.

The same file is the program that does several commands in a process: to begin takes it longer than
any of them.
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
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hosts")
    made_in(folder / "model")
    return folder


def started(
    store: Path, commands: list[list[str]], devices: int, **named: str
) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices} {UNOPTIMIZED}"
    told = store.with_suffix(".progress")
    told.unlink(missing_ok=True)
    environment = os.environ | named | {
        "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "THINKBENCH_PROGRESS": str(told),
    }  # fmt: skip
    model = ["--model", str(store.parent / "model"), "--json"]
    whole = [["--store", str(store), *command, *model] for command in commands]
    one = len(whole) == 1
    program = (
        ["workbench", *whole[0]] if one else ["tests.pipeline.test_distributed", json.dumps(whole)]
    )
    line, piped = [sys.executable, "-m", *program], subprocess.PIPE
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=piped, stderr=piped, text=True)


def two(
    place: Path, commands: list[list[str]], others: list[list[str]] | None = None
) -> list[subprocess.Popen[str]]:
    """Both processes, each with two devices and a store of its own; the second may do `others`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        named = {
            distributed.COORDINATOR: f"127.0.0.1:{free.getsockname()[1]}",
            distributed.PROCESSES: "2",
        }
    return [
        started(place / f"store{number}", do, 2, **named, **{distributed.PROCESS: str(number)})
        for number, do in enumerate((commands, others or commands))
    ]


def output_of(*processes: subprocess.Popen[str]) -> list[tuple[str, str]]:
    """Output and error of each at its end; none is left running where one of them failed."""
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


def steps_done(told: Path) -> int:
    try:
        return json.loads(told.read_text())["work"]["sft"]["step"]
    except (FileNotFoundError, KeyError):
        return 0


@pytest.fixture(scope="module")
def said(place) -> list[list[list]]:
    """SFT: one process alone; and two, of which one was told to leave, and which went on.

    Then GRPO, and SFT with another seed in the second. Of each of the two, what it said to each
    command that it came to the end of.
    """
    ended(started(place / "alone", [SFT], 4))
    pair = two(place, [SFT])
    while steps_done(place / "store1.progress") < 3:
        assert all(process.poll() is None for process in pair), ended(*pair)
        time.sleep(0.02)
    pair[1].send_signal(signal.SIGTERM)
    ended(*pair, codes=(75, 128 + signal.SIGTERM))
    both = output_of(*two(place, [SFT, GRPO, SFT], [SFT, GRPO, [*SFT, "--seed", "1"]]))
    print(*(err[-2000:] for _, err in both))  # shown where a test fails
    return [[json.loads(line) for line in out.splitlines()] for out, _ in both]


@pytest.fixture(scope="module")
def trained(place, said) -> list[Path]:
    """The stores: of one process alone, and of each of the two."""
    assert [each[0][0] for each in said] == [0, 0], said
    return [place / name for name in ("alone", "store0", "store1")]


LOSSES = "select step, value from metrics where name like 'sft/%loss' order by step"


def test_losses_are_those_of_one_process_though_one_of_two_was_told_to_leave(trained):
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


def test_both_processes_store_the_same_rollouts_checkpoints_and_weights_of_grpo(said, trained):
    assert [each[1][0] for each in said] == [0, 0], said
    answers = [json.loads(each[1][1]) for each in said]
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


def test_processes_that_would_do_different_things_are_refused_by_both(said, trained):
    for number, each in enumerate(said):
        assert each[2][0] == 2, said
        err = each[2][2]
        assert f"in process {number}, and not the same in process 0 and process(es) 1" in err


@pytest.mark.parametrize(
    "named",
    [
        {distributed.PROCESSES: "2"},
        {distributed.COORDINATOR: "host:1", distributed.PROCESSES: "2", distributed.PROCESS: "2"},
        {distributed.COORDINATOR: "host:1", distributed.PROCESSES: "two", distributed.PROCESS: "0"},
        {distributed.COORDINATOR: "host", distributed.PROCESSES: "2", distributed.PROCESS: "0"},
        {distributed.COORDINATOR: ":1", distributed.PROCESSES: "2", distributed.PROCESS: "-1"},
    ],
)
def test_variables_that_name_no_processes_are_refused_with_what_is_expected(named):
    with pytest.raises(UserError, match=r"found THINKBENCH_.*expected THINKBENCH_COORDINATOR"):
        distributed.join(named)


def test_without_the_variables_a_process_is_alone():
    distributed.join({"THINKBENCH_TOKEN": "secret"})
    assert not distributed.several()
    assert distributed.any_of(True)
    assert not distributed.any_of(False)
    assert distributed.in_all([True, False]) == [True, False]
    assert distributed.least(3) == 3


def say(commands: list[list[str]]) -> None:
    """A line for each as it ends, with exit code, output and error, until one goes wrong."""
    from workbench.cli.main import main

    for command in commands:
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as left,
        ):
            main(command)
        print(json.dumps((left.value.code, out.getvalue(), err.getvalue())), flush=True)
        if left.value.code:
            break


if __name__ == "__main__":
    say(json.loads(sys.argv[1]))
