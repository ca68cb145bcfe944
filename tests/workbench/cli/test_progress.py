"""Progress bars: the time left, whatever a step takes, by a clock that the test moves."""

import re

import pytest

from data.errors import UserError
from workbench.cli.progress import bars


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def line_after(capsys, seconds_a_step: float, first: int, steps: int, of: int) -> str:
    """The bar after `steps` more steps than the `first` that was reported."""
    clock = Clock()
    with bars(clock) as bar:
        progress = bar("grpo")
        for step in range(first, first + steps + 1):
            clock.now += seconds_a_step
            progress(step, of, {"reward": 1.5})
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "left"), [(0.5, "0:00:48"), (35, "0:56:00"), (600, "16:00:00")]
)
def test_the_time_left_is_shown_however_long_a_step_takes(capsys, seconds, left):
    assert f"4/100 {elapsed(3 * seconds)} left {left}" in line_after(capsys, seconds, 1, 3, 100)


def elapsed(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def test_steps_before_a_run_was_resumed_do_not_count_for_its_pace(capsys):
    assert "left 1:06:40" in line_after(capsys, 10, 598, 2, 1_000)


def test_after_the_first_step_the_time_left_is_unknown(capsys):
    assert re.search(r"left -:--:--", line_after(capsys, 35, 1, 0, 100))


def printed_lines(capsys, monkeypatch, seconds: str) -> list[str]:
    """What 600 steps of one second print."""
    monkeypatch.setenv("THINKBENCH_PROGRESS_LINES", seconds)
    clock = Clock()
    with bars(clock) as bar:
        progress = bar("grpo")
        for step in range(1, 601):
            clock.now += 1
            progress(step, 600, {"reward": 1.5})
    return capsys.readouterr().err.splitlines()


def test_a_notebook_gets_a_line_a_minute(capsys, monkeypatch):
    lines = printed_lines(capsys, monkeypatch, "60")
    assert len(lines) == 11
    assert lines[1] == "[0:01:01] grpo 61/600  reward 1.5  9 min left"
    assert lines[-1] == "[0:10:00] grpo 600/600  reward 1.5"


@pytest.mark.parametrize("seconds", ["often", "0", "-1", "inf"])
def test_an_interval_that_is_no_number_of_seconds_is_refused(capsys, monkeypatch, seconds):
    with pytest.raises(UserError, match="THINKBENCH_PROGRESS_LINES"):
        printed_lines(capsys, monkeypatch, seconds)
