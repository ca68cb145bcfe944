"""Upkeep of the store: merging, sweeping and losing parts never changes an answer unnoticed."""

import re
import shutil

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.store import files, parts
from data.store.files import StoreError
from data.store.store import add, add_generations, ask, open_store
from data.store.upkeep import compact, compaction, health, repair
from tests.support.store_rows import generated, ids, part_files, problems


def test_compaction_keeps_every_row_and_leaves_one_part(store):
    for i in range(5):
        add_generations(store, *generated(f"a{i}", f"b{i}"), run="r1", stage="sft")
        add_generations(store, *generated(f"c{i}"), run="r2", stage="sft")
    before = ask(store, "from generations order by all"), ask(store, "from scores order by all")
    assert compact(store, "generations", "r1") == 5
    assert compact(store, "scores", "r1") == 5
    after = ask(store, "from generations order by all"), ask(store, "from scores order by all")
    for one, other in zip(before, after, strict=True):
        assert_frame_equal(one, other)
    assert health(store)["parts"] == 1 + 1 + 5 + 5
    assert compact(store, "generations", "r1") == 0


def test_whoever_reads_while_parts_are_merged_goes_on_reading(store):
    paths = [add(store, "problems", problems(f"p{i}"), run="r1") for i in range(3)]
    compact(store, "problems", "r1")
    assert sorted(pl.read_parquet([store.folder / p for p in paths])["problem_id"]) == [
        "p0",
        "p1",
        "p2",
    ]


def test_two_merges_of_the_same_parts_show_no_row_twice(store):
    for i in range(3):
        add(store, "problems", problems(f"p{i}"), run="r1")
    ids(store)
    other = store.folder.parent / "other"
    shutil.copytree(store.folder, other)
    compact(open_store(other), "problems", "r1")
    (merged,) = (other / "problems/run=r1").glob("merged-*")
    compact(store, "problems", "r1")
    shutil.copy(merged, store.folder / "problems/run=r1")  # the other one finishes later
    assert ids(store) == ["p0", "p1", "p2"]


def test_a_merged_part_stops_growing(store, monkeypatch):
    sizes = [
        files.size(store.folder, add(store, "problems", problems(f"p{i}"), run="r1"))
        for i in range(4)
    ]
    monkeypatch.setattr(compaction, "MERGED_BYTES", sum(sizes[:2]))
    compact(store, "problems", "r1")
    assert len(list((store.folder / "problems/run=r1").glob("merged-*"))) == 2
    assert ids(store) == ["p0", "p1", "p2", "p3"]


def test_replaced_parts_are_deleted_once_their_grace_is_over(store, monkeypatch):
    for i in range(3):
        add(store, "problems", problems(f"p{i}"), run="r1")
    compact(store, "problems", "r1")
    before = len(part_files(store, "problems"))
    monkeypatch.setattr(compaction, "GRACE_SECONDS", -1)
    compaction.sweep(store)
    assert (before, len(part_files(store, "problems"))) == (4, 1)
    assert ids(store) == ["p0", "p1", "p2"]


def test_what_a_killed_writer_left_is_deleted_when_nobody_can_be_writing_it(store, monkeypatch):
    (store.folder / files.STAGING / "1-torn").write_bytes(b"PAR1 torn")
    compaction.sweep(store)
    before = list((store.folder / files.STAGING).iterdir())
    monkeypatch.setattr(compaction, "ABANDONED_SECONDS", -1)
    half_written = health(store)["half_written"]
    compaction.sweep(store)
    assert (len(before), half_written) == (1, 1)
    assert list((store.folder / files.STAGING).iterdir()) == []


def test_a_folder_that_a_killed_writer_left_is_deleted_and_one_in_use_stays(store, monkeypatch):
    monkeypatch.setattr(compaction, "ABANDONED_SECONDS", -1)
    left = store.folder / files.STAGING / "log-left"
    left.mkdir()
    (left / "rows.parquet").write_bytes(b"PAR1")
    with files.staged_folder(store.folder, "other") as used:
        compaction.sweep(store)
        assert list((store.folder / files.STAGING).iterdir()) == [used]
        left.mkdir()
        with files.staged_folder(store.folder, "log") as new:
            assert set((store.folder / files.STAGING).iterdir()) == {used, new}
            with files.staged_folder(store.folder, "log") as second:
                assert (new.exists(), second.exists()) == (True, True)
    assert list((store.folder / files.STAGING).iterdir()) == []


def test_without_its_state_the_store_finds_the_same_rows_again(store):
    for i in range(3):
        add(store, "problems", problems(f"p{i}"), run="r1")
        add_generations(store, *generated(f"a{i}"), run="r1", stage="sft")
    compact(store, "problems", "r1")
    add(store, "problems", problems("p3"), run="r1")
    compact(store, "problems", "r1")  # merges the merged
    for file in store.folder.glob("state.db*"):
        file.unlink()
    again = open_store(store.folder)
    rows = ids(again), ids(again, "generations", "generation_id")
    assert rows == (["p0", "p1", "p2", "p3"], ["a0", "a1", "a2"])


def test_parts_of_an_older_version_show_null_in_newer_columns(store):
    old = problems("p1").drop("steps").with_columns(run=pl.lit("r1"))
    path = f"problems/run=r1/{files.new_name('part')}"
    files.write(store.folder, [(path, parts.content("problems", old))])
    only_old = ask(store, "select problem_id, steps from problems").rows()
    add(store, "problems", problems("p2").with_columns(steps=pl.lit(3)), run="r1")
    both = ask(store, "select problem_id, steps from problems order by all").rows()
    compact(store, "problems", "r1")
    merged = ask(store, "select problem_id, steps from problems order by all").rows()
    assert (only_old, both) == ([("p1", None)], [("p1", None), ("p2", 3)])
    assert merged == both


def test_a_part_that_is_gone_is_an_error_that_names_it(store):
    path = add(store, "problems", problems("p1"), run="r1")
    ids(store)
    (store.folder / path).unlink()
    with pytest.raises(StoreError, match=re.escape(f"first is {path}")):
        ids(store)
    assert health(store)["missing_parts"] == 1


def test_a_part_that_is_gone_can_be_forgotten(store):
    path = add(store, "problems", problems("p1"), run="r1")
    add(store, "problems", problems("p2"), run="r1")
    ids(store)
    (store.folder / path).unlink()
    assert repair(store)["missing"] == [path]
    assert ids(store) == ["p2"]


@pytest.mark.parametrize("damage", ["data", "footer", "gone"])
def test_a_damaged_part_is_an_error_that_names_it_and_nothing_is_merged(store, damage):
    path = add(store, "problems", problems("p1"), run="r1")
    add(store, "problems", problems("p2"), run="r1")
    ids(store)
    file = store.folder / path
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "data":
        file.write_bytes(content[:4] + b"\xff" * 60 + content[64:])
    else:
        file.write_bytes(content[:-40])
    before = part_files(store, "problems")
    with pytest.raises(StoreError, match=re.escape(path)):
        compact(store, "problems", "r1")
    assert part_files(store, "problems") == before
