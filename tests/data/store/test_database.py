"""Cursors go from one question to the next, and no question sees what another one left."""

import subprocess
import sys
import threading

import duckdb
import polars as pl
import pytest

from data.store import annotations, files
from data.store.database import IDLE, POOL, borrow, give_back
from data.store.store import add, ask, open_store, snapshot
from tests import ROOT
from tests.support.store_rows import rows_of

ASKED = "select problem_id, gold from current_problems order by all"


def with_problems(folder, *names):
    store = open_store(folder)
    add(store, "problems", rows_of("problems", problem_id=list(names), gold=["7"] * len(names)),
        run="r")  # fmt: skip
    return store


def test_questions_to_two_stores_in_turn_have_each_its_rows(tmp_path):
    first, second = (with_problems(tmp_path / name, f"p{name}") for name in ("one", "two"))
    for _ in range(2):
        assert ask(first, ASKED).rows() == [("pone", "7")]
        assert ask(second, ASKED).rows() == [("ptwo", "7")]
    add(first, "problems", rows_of("problems", problem_id=["q"], gold=["8"]), run="s")
    assert ask(first, ASKED).rows() == [("pone", "7"), ("q", "8")]


def test_what_people_wrote_in_one_store_is_in_no_other(tmp_path):
    first, second = (open_store(tmp_path / name) for name in ("one", "two"))
    tagged = "select target_id, tag from tags"
    for _ in range(2):
        annotations.tag(first, "record", "a", "look", "Ann")
        assert ask(first, tagged).rows() == [("a", "look")]
        assert ask(second, tagged).rows() == []
        annotations.untag(first, "record", "a", "look", "Ann")
        assert ask(first, tagged).rows() == []


def test_a_view_is_made_anew_over_parts_of_other_columns(tmp_path):
    store = with_problems(tmp_path / "store", "p")
    whole = "select * from current_problems"
    before = ask(store, whole)
    [part] = (store.folder / "problems/run=r").glob("*.parquet")
    older = pl.read_parquet(part).drop("gold")
    part.unlink()
    other = open_store(tmp_path / "other")
    folder = other.folder / "problems/run=r"
    folder.mkdir(parents=True)
    older.write_parquet(folder / files.new_name("part"))
    newer = older.with_columns(gold=pl.lit("7"), colour=pl.lit("red"))
    assert ask(other, whole)["gold"].to_list() == [None]
    newer.with_columns(problem_id=pl.lit("q")).write_parquet(folder / files.new_name("part"))
    after = ask(other, whole).sort("problem_id")
    assert after["gold"].to_list() == [None, "7"]
    assert after["colour"].to_list() == [None, "red"]
    assert set(before.columns) < set(after.columns)


def test_a_question_that_fails_leaves_nothing_to_the_next(tmp_path):
    store = with_problems(tmp_path / "store", "p")
    for wrong in ("select nothing from problems", "select 1 / from", "select * from nowhere"):
        with pytest.raises(duckdb.Error):
            ask(store, wrong)
        assert ask(store, ASKED).rows() == [("p", "7")]


def test_snapshots_of_many_threads_each_have_their_moment(tmp_path):
    store = with_problems(tmp_path / "store", "p0")
    counts: dict[int, set[int]] = {}

    def look(number: int, moment) -> None:
        counts[number] = {ask(moment, ASKED).height for _ in range(5)}

    for number in range(1, 5):
        with snapshot(store) as moment:
            add(store, "problems", rows_of("problems", problem_id=[f"p{number}"], gold=["7"]),
                run=f"s{number}")  # fmt: skip
            threads = [
                threading.Thread(target=look, args=(10 * number + i, moment)) for i in range(3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert {n for i, seen in counts.items() if i // 10 == number for n in seen} == {number}


def test_a_snapshot_that_has_ended_answers_nothing_and_has_no_cursor_of_another(tmp_path):
    first, second = (with_problems(tmp_path / name, f"p{name}") for name in ("one", "two"))
    with snapshot(first) as moment:
        assert ask(moment, ASKED).rows() == [("pone", "7")]
    assert ask(second, ASKED).rows() == [("ptwo", "7")]
    with pytest.raises(ValueError, match="the snapshot has ended"):
        ask(moment, ASKED)


def test_a_snapshot_ends_after_the_question_that_another_thread_asked(tmp_path):
    store = with_problems(tmp_path / "store", "p")
    long = "select count(*) from range(3000000) a, current_problems where hash(a.range) % 7 = 3"
    errors: list[str] = []

    def look(moment) -> None:
        try:
            ask(moment, long)
        except Exception as error:
            errors.append(str(error))

    with snapshot(store) as moment:
        threads = [threading.Thread(target=look, args=(moment,)) for _ in range(2)]
        for thread in threads:
            thread.start()
    assert ask(store, ASKED).rows() == [("p", "7")]
    for thread in threads:
        thread.join()
    assert all("the snapshot has ended" in error for error in errors)


def test_threads_that_ask_first_at_once_start_one_database():
    program = """
import threading
from data.store.database import database
ids, barrier = set(), threading.Barrier(4)
def start():
    barrier.wait()
    ids.add(id(database()))
threads = [threading.Thread(target=start) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(ids))
"""
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert printed == "1\n"


def test_few_cursors_wait():
    cursors = [borrow() for _ in range(IDLE + 3)]
    for cursor in cursors:
        give_back(cursor)
    assert len(POOL.idle) == IDLE
