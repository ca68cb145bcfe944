"""Exit codes: 2 for bad input, 128 + signal number after a signal; a bug keeps its traceback."""

import io
import os
import signal
import sys
from collections.abc import Callable

import click

from pipeline.stopping import RECEIVED_SIGNALS
from workbench.formatting import BAD_INPUT, error_message, visible

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
    _accept_every_text()
    stdout = sys.stdout
    try:
        code = command() or 0
        sys.stdout.flush()  # here, where a broken pipe still has its exit code
        return code
    except click.ClickException as error:
        error.show(text := io.StringIO())
        _report(text.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return interrupted(signals)
    except BrokenPipeError:
        return _reader_ended()
    except SystemExit:
        if sys.stdout is not stdout:  # click has, after a broken pipe, and exits with code 1
            sys.stdout = stdout
            return _reader_ended()
        raise
    except Exception as error:
        if signals:  # a library in another language turns the signal into an error of its own
            return interrupted(signals)
        message = error_message(error)
        if message is None:
            raise
        _report(f"Error: {message}")
        return BAD_INPUT


def _report(message: str) -> None:
    """Print on standard error. A message may repeat texts of the store, so it is made visible."""
    print(visible(message), file=sys.stderr)


def _reader_ended() -> int:
    """Discard what is still buffered, without a message: the reader (`| head`) has ended."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _accept_every_text() -> None:
    """Let no character end a command: one that the terminal's encoding lacks becomes its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def interrupted(signals: list[int]) -> int:
    """Report what is kept; the exit code of the first signal (click's Ctrl-C records none)."""
    print(INTERRUPTION, file=sys.stderr)
    return SIGNALLED + (signals[0] if signals else signal.SIGINT)
