"""Which files of the project Python code opens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import ROOT

_recording: list[set[str]] = []  # a hook cannot be removed: it does nothing while this is empty
_hooks: list[Any] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _recording and isinstance(arguments[0], str):
        _recording[-1].add(arguments[0])


@contextmanager
def opened_files() -> Iterator[set[str]]:
    """Filled with the paths, from the root, of the files that are opened within."""
    if not _hooks:
        sys.addaudithook(_record)
        _hooks.append(_record)
    paths: set[str] = set()
    _recording.append(paths)
    try:
        yield paths
    finally:
        _recording.remove(paths)
        inside = {Path(path).resolve() for path in paths}
        paths.clear()
        paths |= {str(path.relative_to(ROOT)) for path in inside if path.is_relative_to(ROOT)}
