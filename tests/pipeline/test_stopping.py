"""When a run leaves for its time limit: with room for what may follow its next step."""

import time

from pipeline.stopping import Stop


def left(stop: Stop) -> bool:
    with stop.listening():
        return stop.asked()


def test_a_run_with_time_left_goes_on():
    assert not left(Stop(time.monotonic() + 60))


def test_a_run_leaves_while_an_evaluation_as_long_as_the_last_would_not_fit():
    stop = Stop(time.monotonic() + 60)
    stop.allow(90)
    stop.allow(5)  # the longest counts
    assert left(stop)
