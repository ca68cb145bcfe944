"""What a disk or a path refuses, said with what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import UserError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP,
             errno.EINVAL}  # fmt: skip
BROKEN = {errno.EIO, errno.ESTALE, errno.ENXIO}


class StoreError(UserError):
    """A store cannot be read or written: what is wrong, what was expected and what to do."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What a disk or a path under `path` refuses becomes a `StoreError`; a bug stays a bug."""
    try:
        yield
    except OSError as error:
        if (what_to_do := _what_to_do(error.errno)) is None:
            raise
        name = error.filename or path
        raise StoreError(f"{name}: {os.strerror(error.errno or 0)}. {what_to_do}") from error


def _what_to_do(number: int | None) -> str | None:
    if number in FULL:
        return (
            "These rows were not written; all that was written before is whole. Free some space,"
            " then run the same command again."
        )
    if number in CLOSED:
        return (
            "A store must be writable. Change the folder's permissions, or name another folder"
            " with --store."
        )
    if number in NO_FOLDER:
        return "Expected a path that can be a folder. Name another folder with --store."
    if number in BROKEN:
        return "The disk cannot be read. Mend it or mount it again, or restore a backup."
    return None
