"""When a run ends for its time limit: early enough for what may follow its next step."""

import time

from pipeline.stopping import Stop


def leaves(stop: Stop) -> bool:
    with stop.listening():
        return stop.should_leave()


def test_a_run_with_time_left_continues():
    assert not leaves(Stop(time.monotonic() + 60))


def test_a_run_leaves_while_an_evaluation_as_long_as_the_last_would_not_fit():
    stop = Stop(time.monotonic() + 60)
    stop.reserve(90)
    stop.reserve(5)  # the longest counts
    assert leaves(stop)
