"""Ending a training run between two steps: after a signal, or near its time limit."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TEMPORARY = 75  # exit code of a run that ended at its time limit: sysexits.h, EX_TEMPFAIL
SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Signals that ended this process's command. If a handler's exception is lost in a library's
# callback, training still ends at its next step.
RECEIVED_SIGNALS: list[int] = []


class TimeIsUp(SystemExit):
    """The time limit is near; the state is saved, and the same command resumes the run."""

    def __init__(self) -> None:
        super().__init__(TEMPORARY)


class Stop:
    """Whether a run should end at its next step.

    deadline: by `time.monotonic()` [seconds]; None: no limit
    agreed: turns the decision of this process into one of all processes that train together, see
            `distributed.any_of`
    """

    def __init__(
        self, deadline: float | None = None, agreed: Callable[[bool], bool] = bool
    ) -> None:
        self.deadline, self.agreed = deadline, agreed
        self._signal: int | None = None
        self._last, self._longest_step, self._reserved = time.monotonic(), 0.0, 0.0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """The first signal is recorded and the step runs to its end; a second one acts at once."""
        self._last = time.monotonic()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def record(number: int, frame: object) -> None:
            if self._signal is not None:
                _restore(before)
                os.kill(os.getpid(), number)
            self._signal = number

        for number in SIGNALS:
            signal.signal(number, record)
        try:
            yield
        finally:
            _restore(before)

    def reserve(self, seconds: float) -> None:
        """Reserve time before the deadline for what may follow a step, such as an evaluation."""
        self._reserved = max(self._reserved, seconds)

    def should_leave(self) -> bool:
        """Whether to end now, since another step would not fit. To be called once per step."""
        now = time.monotonic()
        self._longest_step = max(self._longest_step, now - self._last)
        self._last = now
        needed = self._longest_step + self._reserved
        near = self.deadline is not None and now + needed > self.deadline
        return self.agreed(near or self._signal is not None or bool(RECEIVED_SIGNALS))

    def leave(self) -> None:
        """End the run as the signal would have, or with TimeIsUp."""
        if self._signal is not None or RECEIVED_SIGNALS:
            os.kill(os.getpid(), self._signal or RECEIVED_SIGNALS[0])
            raise KeyboardInterrupt  # if no handler ends the process
        print(
            "The time limit is near, or a process of this training received a signal: the state of"
            " the run is saved. Give the same command again to resume it.",
            file=sys.stderr,
        )
        raise TimeIsUp

    def check(self) -> None:
        """Leave, if the time is up or a signal came, at a point where there is nothing to save."""
        over = self.deadline is not None and time.monotonic() > self.deadline
        if self.agreed(over or bool(RECEIVED_SIGNALS)):
            self.leave()


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
