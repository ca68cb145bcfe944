"""Errors as messages that a user can act on; what is no such error is a bug."""

import errno
import os

from data.errors import UserError

BAD_INPUT = 2  # the exit code
TRAINING_PACKAGES = (
    *("absl", "flax", "grain", "jax", "jaxlib", "optax", "orbax", "qwix"),
    *("safetensors", "tokenizers", "transformers", "tunix"),
)
# What a user can do about errors of the operating system. Any other one is reported as a bug.
ADVICE = {
    errno.ENOENT: "It does not exist: check the path.",
    errno.EISDIR: "This is a folder, expected a file: name the file.",
    errno.ENOTDIR: "Expected a folder: name another path.",
    errno.EEXIST: "It exists already: name another path, or move it away.",
    errno.EACCES: "No permission to read or write it: change its permissions or name another path.",
    errno.EPERM: "No permission to change it: change its permissions or name another path.",
    errno.ENAMETOOLONG: "The name is too long for the disk: give a shorter one.",
    errno.ELOOP: "It is a link that leads to itself: name another path.",
    errno.EFBIG: "It is larger than files may be here: see ulimit -f.",
    errno.EMFILE: "Too many files are open: see ulimit -n.",
    errno.EIO: "The disk reported an error: check it, then run the same command again.",
    errno.EROFS: "It is on a read-only disk: name a folder that can be written.",
    errno.ENOSPC: "The disk is full: free some space, then run the same command again."
    " What was written before is kept.",
    errno.EDQUOT: "Your disk quota is used up: free some space, then run the same command again."
    " What was written before is kept.",
    errno.EADDRINUSE: "Another program listens there: name another --port.",
}


def error_message(error: BaseException) -> str | None:
    """The message for the user, or None where the error is a bug.

    A `UserError` is bad input. So are a training package that is not installed and the errors of
    the operating system in ADVICE; any other error is a bug.
    """
    if (
        isinstance(error, ModuleNotFoundError)
        and (error.name or "").split(".")[0] in TRAINING_PACKAGES
    ):
        return (
            f"The package {error.name} is not installed, and this command trains or runs a model."
            " Install the training packages: pip install 'thinkbench[train]'"
        )
    if isinstance(error, UserError):
        return str(error)
    number = system_error_number(error)
    if number is None or number not in ADVICE:
        return None
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {os.strerror(number)}. {ADVICE[number]}"
    return f"{error}. {ADVICE[number]}"


def system_error_number(error: BaseException) -> int | None:
    """The errno of `error`. Libraries in other languages report a full disk in words only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return errno.ENOSPC if "No space left on device" in str(error) else None
