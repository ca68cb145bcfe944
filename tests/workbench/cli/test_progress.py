"""Progress bars: the time left, whatever a step takes, by a clock that the test moves."""

import re

import pytest

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
