"""Exit codes: 2 for bad input, 128 + signal number after a signal; a bug keeps its traceback."""

import os
import signal
import sys
from collections.abc import Callable

import click

from pipeline.stopping import RECEIVED_SIGNALS
from workbench.formatting import BAD_INPUT, error_message

SIGNALLED = 128  # + the signal's number, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE
INTERRUPTION = (
    "Interrupted. What was written to the store is kept. Run the same command again to resume:"
    " finished stages are skipped, training resumes from its last checkpoint, a server is sent only"
    " the requests that are missing; any other stage starts from its beginning."
)


def exit_code(command: Callable[[], int | None]) -> int:
    """Run `command`; its exit code, after a message on standard error where it failed.

    SIGTERM ends it as Ctrl-C does, so that a run is recorded as interrupted.
    """
    signals = RECEIVED_SIGNALS
    signals.clear()

    def stop(number: int, frame: object) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        return command() or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return interrupted(signals)
    except BrokenPipeError:
        # the reader (`| head`) has ended: discard what is still buffered, without a message
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if signals:  # a library in another language turns the signal into an error of its own
            return interrupted(signals)
        message = error_message(error)
        if message is None:
            raise
        print(f"Error: {message}", file=sys.stderr)
        return BAD_INPUT


def interrupted(signals: list[int]) -> int:
    """Report what is kept; the exit code of the first signal (click's Ctrl-C records none)."""
    print(INTERRUPTION, file=sys.stderr)
    return SIGNALLED + (signals[0] if signals else signal.SIGINT)
