"""The process that holds models for the playground, so that the app never imports jax.

`python -m workbench.playground.worker STORE` writes one line with its address and token to standard
output, and answers questions on a local socket, one after another. It ends when standard input is
closed (with the app that started it, however that ended), and after IDLE seconds without a
question.
"""

import json
import os
import secrets
import sys
import tempfile
import threading
import time
import traceback
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path

IDLE = 900.0  # [s] without a question, after which the models leave the memory
CHECK = 1.0  # [s] between two looks at whether it is idle
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # leaves a GPU's memory to jobs


class Worker:
    """Questions of several connections; one at a time has the models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.turn = threading.Lock()  # of the question that has the models
        self.asked_at = time.monotonic()
        self.answering = 0
        self.models = None

    def serve(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except (AuthenticationError, EOFError, OSError):
                continue  # not of this app: another one goes on
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def idle_seconds(self) -> float:
        return 0.0 if self.answering else time.monotonic() - self.asked_at

    def _serve(self, connection: Connection) -> None:
        """Answer the questions of one connection, until it is closed."""
        with connection:
            try:
                while True:
                    question = connection.recv_bytes().decode("utf-8")
                    self.answering += 1
                    try:
                        self._answer(question, connection)
                    finally:
                        self.answering -= 1
                        self.asked_at = time.monotonic()
            except (EOFError, OSError):
                return  # the other side has gone

    def _answer(self, text: str, connection: Connection) -> None:
        """Send each event as JSON, then an empty message; or an object with the error of a bug."""
        from dataclasses import asdict

        from workbench.playground.question import Question

        question = Question.of_json(text)

        def is_closed() -> bool:  # nothing is sent while a question is answered
            return connection.poll()

        while not self.turn.acquire(timeout=CHECK):
            if is_closed():
                return
        try:
            for event in self._models().answers(question, is_closed):
                connection.send_bytes(json.dumps(asdict(event)).encode("utf-8"))
            connection.send_bytes(b"")
        except OSError:
            raise
        except Exception as error:  # a bug: the app shows it, and other questions are answered
            traceback.print_exc()
            failure = {"bug": f"{type(error).__name__}: {error}"}
            connection.send_bytes(json.dumps(failure).encode("utf-8"))
        finally:
            self.turn.release()

    def _models(self):
        if self.models is None:
            from data.store import open_store
            from workbench.playground.local_models import LocalModels

            self.models = LocalModels(open_store(self.folder))
        return self.models


def main(folder: str) -> None:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    input_ended = threading.Event()
    threading.Thread(target=_wait_for_input_to_end, args=(input_ended,), daemon=True).start()
    token = secrets.token_bytes(32)
    worker = Worker(Path(folder))
    with tempfile.TemporaryDirectory(prefix="thinkbench-") as private:  # only its owner enters it
        address = os.path.join(private, "socket")
        with Listener(address, "AF_UNIX", authkey=token) as listener:
            threading.Thread(target=worker.serve, args=(listener,), daemon=True).start()
            sys.stdout.write(json.dumps({"address": address, "token": token.hex()}) + "\n")
            sys.stdout.flush()
            while worker.idle_seconds() < IDLE and not input_ended.wait(CHECK):
                pass
    os._exit(0)  # Python would wait for what jax still computes


def _wait_for_input_to_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main(sys.argv[1])
