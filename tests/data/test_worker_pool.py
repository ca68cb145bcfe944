"""Worker processes: results in order, few items in memory, a clean end whatever happens."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

from data.errors import UserError
from data.worker_pool import map_in_order
from tests import ROOT


def doubled_slowly(number: int) -> int:
    time.sleep(0.05 * (number % 3 == 0))  # so that later items are ready first
    return 2 * number


def process_of(number: int) -> int:
    return os.getpid()


def ends_at_two(number: int) -> int:
    if number == 2:
        os._exit(3)
    return number


def fails_at_two(number: int) -> int:
    if number == 2:
        raise ValueError("no twos")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    results = list(map_in_order(doubled_slowly, range(12), workers))
    assert results == [(number, 2 * number) for number in range(12)]


def test_one_worker_is_this_process_and_two_are_two_others():
    assert {pid for _, pid in map_in_order(process_of, range(3), 1)} == {os.getpid()}
    pids = {pid for _, pid in map_in_order(process_of, range(20), 2)}
    assert os.getpid() not in pids
    assert len(pids) in (1, 2), "one process may be quick enough for all"


def test_few_items_are_taken_before_their_results_are_used():
    taken: list[int] = []

    def items():
        for number in range(1, 101):
            taken.append(number)
            yield number

    with closing(map_in_order(doubled_slowly, items(), 2)) as results:
        for number, _ in results:
            assert taken[-1] <= number + 3
            if number == 10:
                break
    assert taken[-1] <= 13


def test_a_worker_that_dies_ends_the_work_with_a_message():
    results = []
    with pytest.raises(UserError, match="A worker process ended unexpectedly"):
        results.extend(map_in_order(ends_at_two, range(50), 2))


def test_an_error_in_a_worker_is_raised_here_after_the_results_before_it():
    with closing(map_in_order(fails_at_two, range(50), 2)) as results:
        assert [next(results)[0], next(results)[0]] == [0, 1]
        with pytest.raises(ValueError, match="no twos"):
            next(results)


PROGRAM = """
import sys, time
from data.worker_pool import map_in_order
from tests.data.test_worker_pool import process_of

def items():
    for number in range(10_000):
        time.sleep(0.01)
        yield number

if __name__ == "__main__":
    pids = set()
    for _, pid in map_in_order(process_of, items(), 2):
        if pid not in pids:
            pids.add(pid)
            print(pid, flush=True)
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL], ids=lambda sign: sign.name)
def test_no_worker_outlives_the_command(sign, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(file)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the whole group, as in a terminal
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    if sign == signal.SIGINT:
        os.killpg(process.pid, sign)
    else:
        process.kill()
    _, errors = process.communicate(timeout=60)
    assert errors.count("Traceback") == (1 if sign == signal.SIGINT else 0)
    wait_for_end(worker)


def wait_for_end(pid: int) -> None:
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"worker {pid} still runs")
