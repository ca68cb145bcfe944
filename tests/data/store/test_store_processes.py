"""The store between processes: writers, readers, kills and full disks."""

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from data.store.store import ask, open_store
from data.store.upkeep import compact
from tests import ROOT

COUNTS = """
select
    (select count(*) from generations) as texts,
    (select count(*) from scores) as scores,
    (select count(*) from generations join scores using (generation_id)) as both_halves
"""


def start(store, run, batches: int | str = "forever", size=20):
    writer = [sys.executable, "-m", "tests.support.store_rows"]
    arguments = [str(store.folder), run, str(batches), str(size)]
    return subprocess.Popen([*writer, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def counts(store):
    return ask(store, COUNTS).row(0)


def test_a_reader_sees_whole_pairs_and_ever_more_of_them_while_processes_write(store):
    writers = [start(store, f"r{i}", batches=20) for i in range(3)]
    seen = [counts(store)]
    while any(writer.poll() is None for writer in writers):
        seen.append(counts(store))
        if len(seen) % 10 == 0:
            compact(store, "scores", "r0")
    for writer in writers:
        writer.communicate()
    seen.append(counts(store))
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert all(texts == scores == both for texts, scores, both in seen)
    assert seen == sorted(seen)
    assert seen[-1] == (1200, 1200, 1200)


def test_killed_writers_lose_nothing_that_they_had_added_and_tear_nothing(store):
    chance = random.Random(0)
    added = {}
    for attempt in range(2):
        writers = {f"r{attempt}{i}": start(store, f"r{attempt}{i}", size=300) for i in range(3)}
        for writer in writers.values():
            assert writer.stdout
            writer.stdout.readline()  # it is in the middle of its work
        time.sleep(chance.uniform(0, 0.05))
        for run, writer in writers.items():
            writer.kill()
            added[run] = 1 + len(writer.communicate()[0].split())
    reader = open_store(store.folder)
    query = """
        select run, count(*) as n, count(distinct generation_id) as ids, count(text) as texts
        from generations join scores using (run, generation_id) group by run order by run
    """
    texts, scores, both = counts(reader)
    assert texts == scores == both
    batches = ask(reader, query)
    assert batches["run"].to_list() == sorted(added)
    for run, n, distinct, written in batches.iter_rows():
        assert n == distinct == written
        assert n % 300 == 0  # whole batches only
        # the one batch more was added, and its writer killed before it said so
        assert n // 300 - added[run] in (0, 1)


def test_a_full_disk_leaves_nothing_half_visible_and_says_what_to_do(store):
    counts(store)  # state.db is made before the disk is small
    code = """
import pathlib, resource, signal, sys
from tests.support.store_rows import write_batches
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
write_batches(pathlib.Path(sys.argv[1]), "r1", 1, 30_000)
"""
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(store.folder)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    error = writer.communicate()[1]
    assert writer.returncode == 1
    assert "StoreError" in error
    assert "Free some space" in error
    assert counts(store) == (0, 0, 0)
    assert [entry.name for entry in (store.folder / ".staging").iterdir()] == []


def test_processes_that_open_a_new_store_at_once_open_one_store(tmp_path):
    code = (
        "import sys; from data.store.store import open_store;"
        " print(open_store(sys.argv[1]).store_id)"
    )
    opened = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "new")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    printed = {process.communicate() for process in opened}
    assert printed == {(f"{open_store(tmp_path / 'new').store_id}\n", "")}


def test_what_sqlite_writes_while_another_process_makes_the_store_is_no_foreign_file(tmp_path):
    (tmp_path / "new").mkdir()
    for name in ("state.db", "state.db-journal"):
        (tmp_path / "new" / name).touch()
    assert ask(open_store(tmp_path / "new"), "from runs").is_empty()


def test_threads_ask_one_open_store_at_once(store):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: counts(store), range(40)))
    assert answers == [(0, 0, 0)] * 40


COMPACTOR = """
import pathlib, sys
from data.store.store import open_store
from data.store.upkeep import compaction
compaction.GRACE_SECONDS = -1  # what is replaced is deleted at once
store = open_store(pathlib.Path(sys.argv[1]))
while not (store.folder / "enough").exists():
    for table in ("generations", "scores"):
        compaction.compact(store, table, "r0")
"""


def test_two_processes_merge_and_sweep_while_one_writes_and_one_reads(store):
    writer = start(store, "r0", batches=15)
    compactors = [
        subprocess.Popen([sys.executable, "-c", COMPACTOR, str(store.folder)], cwd=ROOT)
        for _ in range(2)
    ]
    seen = [counts(store)]
    while writer.poll() is None:
        seen.append(counts(store))
    (store.folder / "enough").touch()
    codes = [process.wait() for process in (writer, *compactors)]
    seen.append(counts(store))
    writer.communicate()
    for file in store.folder.glob("state.db*"):
        file.unlink()
    assert codes == [0, 0, 0]
    assert all(texts == scores == both for texts, scores, both in seen)
    assert seen == sorted(seen)
    assert seen[-1] == counts(open_store(store.folder)) == (300, 300, 300)
    assert list((store.folder / "scores/run=r0/stage=sft").glob("merged-*"))
