"""Stores on disks that are read-only or full: everything can be read, and writing says why not."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from data.store import annotations, runs
from data.store.store import add, add_generations
from tests import ROOT
from tests.support.store_rows import generated, ids, problems

READ = """
import sys
from pathlib import Path
from data.store import annotations
from data.store.store import StoreError, add, ask, open_store, snapshot
from data.store.upkeep import health
from tests.support.store_rows import ids, problems
store = open_store(Path(sys.argv[1]))
print(ids(store), ids(store, "generations", "generation_id"), ids(store, "tags", "tag"))
with snapshot(store) as frozen:
    print(ids(frozen), ask(frozen, "select event from runs").rows(), health(store)["parts"])
for write in (lambda: add(store, "problems", problems("x"), run="r"),
              lambda: annotations.tag(store, "record", "p", "new", "ada")):
    try:
        write()
    except StoreError as error:
        print("refused:", "disk" in str(error) or "Permission" in str(error)
              or "space" in str(error) or "writable" in str(error))
print(ids(store), ids(store, "tags", "tag"))
"""
SEEN = ["['p', 'q'] ['g'] ['good']", "['p', 'q'] [('done',)] 6", "refused: True",
        "refused: True", "['p', 'q'] ['good']"]  # fmt: skip
UNPRIVILEGED = "-dac_override,-dac_read_search,-fowner"


@pytest.fixture
def written(store):
    """A store with rows, of which one part is not registered yet."""
    add(store, "problems", problems("p"), run="r")
    add_generations(store, *generated("g"), run="r", stage="s")
    runs.begin(store, "eval", run="r", config={}, seed=0, inputs={})
    runs.end(store, "r", "done", {})
    annotations.tag(store, "record", "p", "good", "ada")
    ids(store)
    add(store, "problems", problems("q"), run="r2")
    return store


def read(command: list[str], folder: Path, temporary: Path) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    program = [*command, sys.executable, "-c", READ, str(folder)]
    printed = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.splitlines()


def as_a_user() -> list[str]:
    """The words before a command that is to heed permissions, which root would not."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root heeds no permissions, and setpriv is not installed")
    return ["setpriv", f"--bounding-set={UNPRIVILEGED}"]


def read_closed(folder: Path, temporary: Path) -> list[str]:
    """What is read of a store that nobody may write, which is made writable again."""
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        return read(as_a_user(), folder, temporary)
    finally:
        for path in everything:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("lost", ["nothing", "the folders of the trash", "state.db"])
def test_a_store_that_nobody_may_write_is_read_whole(written, tmp_path, lost):
    if lost == "the folders of the trash":
        for name in (".trash", ".staging", ".locks"):
            shutil.rmtree(written.folder / name)
    if lost == "state.db":
        for file in written.folder.glob("state.db*"):
            file.unlink()
    seen = read_closed(written.folder, tmp_path)
    tags = "[]" if lost == "state.db" else "['good']"  # those were in it
    assert seen == [line.replace("['good']", tags) for line in SEEN]


def test_what_a_killed_writer_left_in_the_wal_is_read_too(written, tmp_path):
    open_all_the_time = sqlite3.connect(written.folder / "state.db")
    open_all_the_time.execute("select count(*) from tag_events").fetchone()
    annotations.untag(written, "record", "p", "good", "ada")
    annotations.tag(written, "record", "p", "good", "eve")
    assert (written.folder / "state.db-wal").stat().st_size > 0
    copy = Path(shutil.copytree(written.folder, tmp_path / "copy"))
    open_all_the_time.close()
    (copy / "state.db-shm").unlink()
    assert read_closed(copy, tmp_path) == SEEN


FULL = """
set -e
mount -t tmpfs -o size=4m none "$1"
cp -r "$2/." "$1"
dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true
shift 2
exec "$@"
"""


def test_a_store_on_a_full_disk_is_read_whole(written, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    isolated = ["unshare", "-m", *(["-r"] if os.geteuid() else [])]
    tried = subprocess.run([*isolated, "mount", "-t", "tmpfs", "none", str(disk)],
                           capture_output=True, text=True)  # fmt: skip
    if tried.returncode:
        pytest.skip(f"no disk of its own can be made here: {tried.stderr.strip()}")
    command = [*isolated, "sh", "-c", FULL, "sh", str(disk), str(written.folder)]
    assert read(command, disk, tmp_path) == SEEN
