"""The sources as this process has loaded them: the disk may hold others by now.

A job of nine hours, or a notebook, goes on with the modules that it has loaded when somebody pulls
new ones. A run records what computed it: the sources are read once, for the first stage, and all
modules of a stage are loaded when it starts. A stage that would compute with old and new files is
refused.
"""

import importlib
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from data import LOADED_AT
from data.errors import UserError
from pipeline.fingerprint.imports import ROOT, Sources, module_of, sources_in


class CodeChanged(UserError):
    """Files changed since this process started."""


@dataclass(frozen=True)
class Loaded:
    """What was there when the sources were read.

    modules: those that are loaded from `sources`; more are added
    rewritten: files of modules that were loaded before, written since the process started
    """

    sources: Sources
    modules: set[str]
    rewritten: frozenset[str]


@cache
def loaded() -> Loaded:
    """The sources, read once in a process."""
    sources = sources_in(ROOT)
    modules = {module_of(file) for file in sources} & sys.modules.keys()
    rewritten = {
        file
        for file in sources
        if module_of(file) in modules
        # a time in the future is that of a clock that was set back since, not of a change
        and LOADED_AT < (ROOT / file).stat().st_ctime <= time.time()
    }
    return Loaded(sources, modules, frozenset(rewritten))


def load(files: Iterable[str]) -> None:
    """Load the modules in `files`; CodeChanged where one of the files is not what was read."""
    of = loaded()
    changed = [file for file in files if file in of.rewritten or _changed_unloaded(file, of)]
    if changed:
        raise CodeChanged(
            f"{', '.join(changed)} changed after this process had started, and other code is"
            " loaded already. Give the command again, or start Python again: what is stored is"
            " found, and an interrupted training resumes."
        )
    for file in files:
        if file.endswith(".py"):
            importlib.import_module(module_of(file))
            of.modules.add(module_of(file))


def _changed_unloaded(file: str, of: Loaded) -> bool:
    """Whether a file that is not loaded, or is read each time, is no longer what it was."""
    if module_of(file) in of.modules:
        return False
    path = ROOT / file
    return not path.is_file() or path.read_bytes() != of.sources[file]
