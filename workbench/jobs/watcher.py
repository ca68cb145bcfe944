"""Watches one job: waits for the accelerator, runs its command, writes down how it ended.

`python -m workbench.jobs.watcher STORE JOB` leaves a process of its own session behind and ends.
That process holds the job's lock, and so does the command: the lock is free when both have gone.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

POLL = 0.3  # [s]
PATIENCE = 120.0  # [s] from SIGTERM to SIGKILL: a step of training ends, and its state is written
OUT_OF_TIME = 75  # as pipeline/stopping.py has it


def main(folder: str, name: str) -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    from data.store import WAITS, folder_of, job_of, open_store
    from workbench.jobs.runner import WATCHER

    store = open_store(Path(folder))
    here = folder_of(store, name)
    (here / WATCHER).mkdir(exist_ok=True)
    own, watching = (here / "lock").open("w"), (here / WATCHER / "lock").open("w")
    # another watcher has it, or somebody looks at it for a moment
    if not (_locked(own, tries=20) and _locked(watching, tries=20)):
        return
    if job_of(store, name).state == WAITS:
        Watcher(store, name, here, own).watch()


class Watcher:
    """The watcher of a job whose lock is held."""

    def __init__(self, store, name: str, folder: Path, lock: IO[str]) -> None:
        self.store, self.name, self.folder, self.lock = store, name, folder, lock
        self.told_to_leave = False
        signal.signal(signal.SIGTERM, self._leave)

    def _leave(self, number: int, frame: object) -> None:
        self.told_to_leave = True

    def cancelled(self) -> bool:
        from workbench.jobs.runner import CANCEL

        return self.told_to_leave or (self.folder / CANCEL).exists()

    def watch(self) -> None:
        from data.store import jobs

        with (self.store.folder / "jobs" / f"{jobs.ACCELERATOR}.lock").open("w") as slot:
            while not _locked(slot):
                if self.cancelled():
                    return self._ended("cancelled", None, "It was cancelled before it began.")
                time.sleep(POLL)
            command = self._command()
            child = self._started(command, slot)
            jobs.began(self.store, self.name, child.pid)
            code = self._watched(child)
        if code == 0:
            return self._ended("done", 0, None)
        if self.cancelled():
            return self._ended("cancelled", code, "It was cancelled. What it had done is kept.")
        if code == OUT_OF_TIME:
            return self._ended("out of time", code, "Its time was up. Start it again to go on.")
        self._ended("failed", code, self._why(code))

    def _command(self) -> list[str]:
        from data.store import job_of

        arguments = job_of(self.store, self.name).arguments
        program = [sys.executable, "-m", "workbench"]
        return [*program, "--store", str(self.store.folder), *arguments, "--json"]

    def _started(self, command: list[str], slot: IO[str]) -> subprocess.Popen[bytes]:
        from workbench.jobs.progress_file import PLACE
        from workbench.jobs.runner import LOG

        with (self.folder / LOG).open("ab") as log, (self.folder / "answer.json").open("wb") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
                pass_fds=(self.lock.fileno(), slot.fileno()),  # held while it lives
                env=os.environ | {PLACE: str(self.folder / "progress.json"), "COLUMNS": "140"},
            )

    def _watched(self, child: subprocess.Popen[bytes]) -> int:
        asked: float | None = None
        while (code := child.poll()) is None:
            if asked is None and self.cancelled():
                asked = time.monotonic()
                os.killpg(child.pid, signal.SIGTERM)
            elif asked is not None and time.monotonic() - asked > PATIENCE:
                os.killpg(child.pid, signal.SIGKILL)
            time.sleep(POLL)
        return code

    def _why(self, code: int) -> str:
        from workbench.jobs.runner import log_of

        if code < 0:
            name = signal.Signals(-code).name
            memory = " The machine may have run out of memory." if name == "SIGKILL" else ""
            return f"It was ended by {name}.{memory} What it had done is kept."
        lines = log_of(self.store, self.name).strip().splitlines()
        told = [at for at, line in enumerate(lines) if line.startswith("Error: ")]
        return " ".join(lines[told[-1] :] if told else lines[-1:]) or f"It ended with code {code}."

    def _ended(self, state: str, code: int | None, message: str | None) -> None:
        from data.store import jobs

        jobs.ended(self.store, self.name, state, code, message)


def _locked(file: IO[str], tries: int = 1) -> bool:
    """Whether the lock of `file` could be had."""
    for left in reversed(range(tries)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(0.05)
        else:
            return True
    return False


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
