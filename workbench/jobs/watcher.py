"""The watcher of one job: waits for the accelerator, runs the command, records how it ended.

`python -m workbench.jobs.watcher STORE JOB` forks a process in a session of its own and ends.
That process holds the job's lock, and so does the command: the lock is free when both have ended.
"""

# Not `filelock`: the command inherits the open files of both locks, so that they stay held where
# the watcher is killed. filelock has no public way to its file descriptor.
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

POLL = 0.3  # [s]
KILL_AFTER = 120.0  # [s] from SIGTERM to SIGKILL: a step of training ends, and its state is saved
OUT_OF_TIME = 75  # exit code: TEMPORARY in pipeline/stopping.py


def main(folder: str, name: str) -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    from data.store import WAITS, folder_of, job_of, open_store
    from workbench.jobs.runner import WATCHER

    store = open_store(Path(folder))
    job_folder = folder_of(store, name)
    (job_folder / WATCHER).mkdir(exist_ok=True)
    job_lock = (job_folder / "lock").open("w")
    watcher_lock = (job_folder / WATCHER / "lock").open("w")
    # another watcher holds it, or a process that tests for a moment whether it is held
    if not (_lock(job_lock, attempts=20) and _lock(watcher_lock, attempts=20)):
        return
    if job_of(store, name).state == WAITS:
        Watcher(store, name, job_folder, job_lock).watch()


class Watcher:
    """The watcher of a job whose lock is held."""

    def __init__(self, store, name: str, folder: Path, lock: IO[str]) -> None:
        self.store, self.name, self.folder, self.lock = store, name, folder, lock
        self.terminated = False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: object) -> None:
        self.terminated = True

    def cancelled(self) -> bool:
        from workbench.jobs.runner import CANCEL

        return self.terminated or (self.folder / CANCEL).exists()

    def watch(self) -> None:
        from data.store import jobs

        with (self.store.folder / "jobs" / f"{jobs.ACCELERATOR}.lock").open("w") as slot:
            while not _lock(slot):
                if self.cancelled():
                    return self._end("cancelled", None, "It was cancelled before it started.")
                time.sleep(POLL)
            child = self._start(self._command(), slot)
            jobs.began(self.store, self.name, child.pid)
            code = self._wait(child)
        if code == 0:
            return self._end("done", 0, None)
        if self.cancelled():
            return self._end("cancelled", code, "It was cancelled. Its progress is kept.")
        if code == OUT_OF_TIME:
            message = "It reached its time limit. Start the same command again to resume."
            return self._end("out of time", code, message)
        self._end("failed", code, self._failure(code))

    def _command(self) -> list[str]:
        from data.store import job_of

        arguments = job_of(self.store, self.name).arguments
        program = [sys.executable, "-m", "workbench"]
        return [*program, "--store", str(self.store.folder), *arguments, "--json"]

    def _start(self, command: list[str], slot: IO[str]) -> subprocess.Popen[bytes]:
        from workbench.jobs.progress_file import VARIABLE
        from workbench.jobs.runner import LOG

        with (self.folder / LOG).open("ab") as log, (self.folder / "answer.json").open("wb") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
                pass_fds=(self.lock.fileno(), slot.fileno()),  # held while the command lives
                env=os.environ | {VARIABLE: str(self.folder / "progress.json"), "COLUMNS": "140"},
            )

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        """The exit code; a cancelled command gets SIGTERM, and SIGKILL after KILL_AFTER."""
        signalled_at: float | None = None
        while (code := child.poll()) is None:
            if signalled_at is None and self.cancelled():
                signalled_at = time.monotonic()
                os.killpg(child.pid, signal.SIGTERM)
            elif signalled_at is not None and time.monotonic() - signalled_at > KILL_AFTER:
                os.killpg(child.pid, signal.SIGKILL)
            time.sleep(POLL)
        return code

    def _failure(self, code: int) -> str:
        """The signal that ended the command, or the last error message in its log."""
        from workbench.jobs.runner import log_of

        if code < 0:
            name = signal.Signals(-code).name
            memory = " The machine may have run out of memory." if name == "SIGKILL" else ""
            return f"It was ended by {name}.{memory} Its progress is kept."
        lines = log_of(self.store, self.name).strip().splitlines()
        errors = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        message = " ".join(lines[errors[-1] :] if errors else lines[-1:])
        return message or f"It ended with exit code {code}."

    def _end(self, state: str, code: int | None, message: str | None) -> None:
        from data.store import jobs

        jobs.ended(self.store, self.name, state, code, message)


def _lock(file: IO[str], attempts: int = 1) -> bool:
    """Lock `file` exclusively; whether that succeeded."""
    for left in reversed(range(attempts)):
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
