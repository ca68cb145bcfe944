"""Where errors become exit codes: 2 for bad input, 130 for Ctrl-C; a bug keeps its traceback."""

import errno
import os
import signal
import sys
from collections.abc import Callable

import click

from data.errors import UserError
from pipeline.stopping import NOTED

TRAINING = ("jax", "jaxlib", "flax", "grain", "optax", "orbax", "qwix", "tunix", "transformers")
BAD_INPUT = 2
SIGNALLED = 128  # + the signal's number, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE
INTERRUPTION = (
    "Interrupted. What was written to the store before is kept. Give the same command again to go"
    " on: stages that are done are found, training goes on from its last checkpoint, a server is"
    " asked only for what is missing, any other stage starts anew."
)

# What a person can do about the operating system's errors. Any other one is shown as a bug.
ADVICE = {
    errno.ENOENT: "It does not exist: check the path.",
    errno.EISDIR: "A file is expected here, this is a folder: name the file.",
    errno.ENOTDIR: "A folder is expected here: name another path.",
    errno.EEXIST: "It is in the way: name another path, or move it.",
    errno.EACCES: "It may not be read or written: change its permissions or name another path.",
    errno.EPERM: "It may not be changed: change its permissions or name another path.",
    errno.EROFS: "It lies on a read-only disk: name a folder that can be written.",
    errno.ENOSPC: "The disk is full: free some space, then give the same command again."
    " What was written before is kept.",
    errno.EDQUOT: "Your quota is used up: free some space, then give the same command again."
    " What was written before is kept.",
    errno.EADDRINUSE: "Something listens there already: name another --port.",
}


def exit_code(command: Callable[[], int | None]) -> int:
    """Run `command`; its exit code, after a message on standard error where it went wrong.

    SIGTERM ends it as Ctrl-C does, so that a run is written down as interrupted.
    """
    stopped = NOTED
    stopped.clear()

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        return command() or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return interrupted(stopped)
    except BrokenPipeError:
        # the reader (`| head`) has gone: what is still buffered goes nowhere, without a complaint
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if stopped:  # an engine of another language turns the signal into an error of its own
            return interrupted(stopped)
        message = bad_input(error)
        if message is None:
            raise
        print(f"Error: {message}", file=sys.stderr)
        return BAD_INPUT


def interrupted(stopped: list[int]) -> int:
    """Say what stays; the exit code of the first signal (Ctrl-C in a prompt of click has none)."""
    print(INTERRUPTION, file=sys.stderr)
    return SIGNALLED + (stopped[0] if stopped else signal.SIGINT)


def bad_input(error: BaseException) -> str | None:
    """What to tell a person, or None where the error is a bug.

    A `UserError` is bad input; any other error of ours or of a library is a bug.
    """
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in TRAINING:
        return (
            f"The package {error.name} is not installed, and this command trains or runs a model."
            " Install what training needs: pip install 'thinkbench[train]'"
        )
    if isinstance(error, UserError):
        return str(error)
    number = error_number(error)
    if number is None or number not in ADVICE:
        return None
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {os.strerror(number)}. {ADVICE[number]}"
    return f"{error}. {ADVICE[number]}"


def error_number(error: BaseException) -> int | None:
    """The operating system's number; engines written in other languages say it in words only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return errno.ENOSPC if "No space left on device" in str(error) else None
