"""Leaving a training run between two steps: when a signal asks for it, or its time is up."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TEMPORARY = 75  # exit code of a run that left for its time limit: sysexits.h, EX_TEMPFAIL
SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Signals that ended this process's command. An exception that a handler raises is lost where it
# meets a library's callback: training then leaves at its next step all the same.
NOTED: list[int] = []


class TimeIsUp(SystemExit):
    """The time limit is near; what was done is kept, and the same command goes on with it."""

    def __init__(self) -> None:
        super().__init__(TEMPORARY)


class Stop:
    """Whether a run is to leave at its next step.

    deadline: by `time.monotonic()` [seconds]; None: no limit
    agreed: makes of what this process says what all that train together do, see `hosts.any_of`
    """

    def __init__(
        self, deadline: float | None = None, agreed: Callable[[bool], bool] = bool
    ) -> None:
        self.deadline, self.agreed = deadline, agreed
        self._signal: int | None = None
        self._last, self._longest, self._beside = time.monotonic(), 0.0, 0.0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """The first signal is noted, and the step goes on to its end; a second one acts at once."""
        self._last = time.monotonic()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def note(number: int, frame: object) -> None:
            if self._signal is not None:
                _restore(before)
                os.kill(os.getpid(), number)
            self._signal = number

        for number in SIGNALS:
            signal.signal(number, note)
        try:
            yield
        finally:
            _restore(before)

    def allow(self, seconds: float) -> None:
        """Leave room for what takes so long and may follow a step, such as an evaluation."""
        self._beside = max(self._beside, seconds)

    def asked(self) -> bool:
        """Whether to leave now; asked once a step. It leaves while another step would not fit."""
        now = time.monotonic()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        needed = self._longest + self._beside
        near = self.deadline is not None and now + needed > self.deadline
        return self.agreed(near or self._signal is not None or bool(NOTED))

    def leave(self) -> None:
        """End the run as the signal would have, or as one whose time is up."""
        if self._signal is not None or NOTED:
            os.kill(os.getpid(), self._signal or NOTED[0])
            raise KeyboardInterrupt  # where nobody handles the signal otherwise
        print(
            "The time limit is near, or a process of this training was asked to leave: the run was"
            " kept where it stands. Give the same command again to go on.",
            file=sys.stderr,
        )
        raise TimeIsUp

    def check(self) -> None:
        """Leave if that is asked for, where there is nothing to keep."""
        over = self.deadline is not None and time.monotonic() > self.deadline
        if self.agreed(over or bool(NOTED)):
            self.leave()


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
