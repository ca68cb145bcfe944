"""The side of the app: finds or starts the worker of a store, and receives its events."""

import contextlib
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from workbench.jobs import import_path
from workbench.playground.question import Event, Question

POLL = 0.2  # [s] between two looks at whether to stop
LAST = 2_000  # characters of the error output of a worker that ended


class WorkerEnded(Exception):
    """The process that holds the models has ended. The message says how, for people."""


@dataclass
class Workers:
    """The workers that this process started, one for each store; they end with it."""

    by_store: dict[Path, "_Process"] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def events(
        self, store: Path, question: Question, should_stop: Callable[[], bool]
    ) -> Iterator[Event]:
        """The events of the models of `question`, until all have ended or it should stop.

        A worker that has ended before is started again. WorkerEnded: it ended meanwhile.
        """
        for is_last in (False, True):
            received = 0
            try:
                for event in self._events(store, question, should_stop):
                    received += 1
                    yield event
            except WorkerEnded:
                if received or is_last:
                    raise
            else:  # else it ended while it was asked, as it was idle: another one is asked
                return

    def _events(
        self, store: Path, question: Question, should_stop: Callable[[], bool]
    ) -> Iterator[Event]:
        with self._connected(store) as connection:
            try:
                connection.send_bytes(question.as_json().encode("utf-8"))
                while not should_stop():
                    if not connection.poll(POLL):
                        continue
                    message = connection.recv_bytes()
                    if not message:
                        return
                    fields = json.loads(message)
                    if "bug" in fields:
                        raise RuntimeError(f"the process that holds the models: {fields['bug']}")
                    yield Event(**fields)
            except (EOFError, OSError) as error:
                raise WorkerEnded(self._how_it_ended(store)) from error

    def stop(self) -> None:
        """End the workers of this process."""
        with self.lock:
            for process in self.by_store.values():
                process.end()
            self.by_store.clear()

    def _connected(self, store: Path) -> Connection:
        with self.lock:  # of two questions at once the second finds the worker of the first
            own = self.by_store.get(store)
            for address in (own.address if own else None, _written_address(store)):
                with contextlib.suppress(OSError, EOFError, AuthenticationError):
                    if address is not None:
                        return address.connect()
            if own is not None:
                own.end()
            self.by_store[store] = process = _start(store)
            _write_address(store, process.address)
            return process.address.connect()

    def _how_it_ended(self, store: Path) -> str:
        process = self.by_store.get(store)
        words = "" if process is None else process.how_it_ended()
        return f"The process that held the models has ended. {words}Ask again to start another."


@dataclass(frozen=True)
class _Address:
    """Where a worker listens, and the token that it expects."""

    path: str
    token: str = field(repr=False)

    def connect(self) -> Connection:
        return Client(self.path, "AF_UNIX", authkey=bytes.fromhex(self.token))


@dataclass(frozen=True)
class _Process:
    """A worker that this process started. It ends when its standard input is closed."""

    process: subprocess.Popen[bytes]
    address: _Address
    errors: IO[bytes]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            assert file is not None
            file.close()

    def how_it_ended(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        code = self.process.returncode
        if code is None or code == 0:
            return ""
        if code < 0:
            name = signal.Signals(-code).name
            memory = " The machine may have run out of memory." if name == "SIGKILL" else ""
            return f"It was ended by {name}.{memory} "
        return f"{_end_of(self.errors) or f'It ended with code {code}.'} "


def _start(store: Path) -> _Process:
    errors = TemporaryFile()  # noqa: SIM115  a pipe could fill up
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.playground.worker", str(store)],
        stdin=subprocess.PIPE,  # left open: closing it ends the worker
        stdout=subprocess.PIPE,
        stderr=errors,
        env=os.environ | import_path(),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise WorkerEnded(f"The process that holds the models did not start: {_end_of(errors)}")
    fields = json.loads(line)
    return _Process(process, _Address(fields["address"], fields["token"]), errors)


def _end_of(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode("utf-8", errors="replace").strip()[-LAST:]


def _file(store: Path) -> Path | None:
    """Where the address of the store's worker is written; None where others could write there."""
    folder = Path(tempfile.gettempdir()) / f"thinkbench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        return None
    name = hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:32]
    return folder / f"playground-{name}.json"


def _written_address(store: Path) -> _Address | None:
    """The address that the last worker of the store was given; it may have ended since."""
    file = _file(store)
    if file is None or not file.is_file():
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        fields = json.loads(file.read_text(encoding="utf-8"))
        return _Address(fields["address"], fields["token"])
    return None


def _write_address(store: Path, address: _Address) -> None:
    file = _file(store)
    if file is None:
        return
    staged = file.with_suffix(f".{os.getpid()}")
    content = json.dumps({"address": address.path, "token": address.token})
    staged.touch(mode=0o600)
    staged.write_text(content, encoding="utf-8")
    staged.replace(file)
