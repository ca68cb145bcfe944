"""Parts: a store whose state.db is made again has every row; foreign files do no harm."""

import os
import random
import shutil
import time
from pathlib import Path

import polars as pl
import pytest

from data.store import files, state_db
from data.store.files import StoreError, writing
from data.store.schema import TABLES
from data.store.store import add, add_generations, ask, open_store, within
from data.store.upkeep import compact, compaction, health, repair
from tests.support.store_rows import generated, ids, part_files, problems, rows_of


def without_state(store):
    """The same store after someone has moved state.db away."""
    for file in store.folder.glob("state.db*"):
        file.unlink()
    return open_store(store.folder)


def swept(store, monkeypatch):
    """All that was replaced is deleted, as an hour later."""
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "GRACE_SECONDS", -1)
        compaction.sweep(store)


def texts_of(store):
    return ids(store, "generations", "generation_id")


@pytest.fixture
def pairs(store, monkeypatch):
    """Three pairs, whose texts are too large to be merged."""
    for name in "abc":
        add_generations(store, *generated(name), run="r", stage="s")
    monkeypatch.setattr(compaction, "MERGED_BYTES", 10_000)
    return store


@pytest.mark.parametrize("merges", [0, 1, 2])
@pytest.mark.parametrize("sweeps", [False, True])
def test_the_first_question_to_a_store_without_state_sees_all_texts(
    pairs, monkeypatch, merges, sweeps
):
    for n in range(merges):
        add_generations(pairs, *generated(f"later-{n}"), run="r", stage="s")
        compact(pairs, "scores", "r")
        if sweeps:
            swept(pairs, monkeypatch)
    expected = texts_of(pairs)
    again = without_state(pairs)
    assert texts_of(again) == expected == ids(again, "scores", "generation_id")


def test_texts_of_a_killed_writer_stay_unseen_in_a_store_without_state(pairs):
    path = part_files(pairs, "scores")[0]
    (pairs.folder / path).unlink()
    assert len(texts_of(without_state(pairs))) == 2


def test_merges_are_registered_after_what_they_replace_whatever_the_clock_made_of_their_names(
    store, monkeypatch
):
    for name in "ab":
        add(store, "problems", problems(name), run="r")
    times = iter(range(10**18, 0, -(10**15)))  # each file is older than the one before
    monkeypatch.setattr(time, "time_ns", lambda: next(times))
    compact(store, "problems", "r")
    add(store, "problems", problems("c"), run="r")
    compact(store, "problems", "r")
    monkeypatch.undo()
    assert (ids(store), ids(without_state(store))) == (["a", "b", "c"], ["a", "b", "c"])


def test_of_two_merges_a_store_without_state_takes_the_one_whose_sources_are_gone(
    store, monkeypatch
):
    paths = [add(store, "problems", problems(name), run="r") for name in "abc"]
    ids(store)
    merged = {}
    for pair in ((0, 1), (1, 2)):  # two processes, each with two of the three parts
        copy = open_store(shutil.copytree(store.folder, store.folder.parent / f"copy{pair[0]}"))
        (other,) = {0, 1, 2} - set(pair)
        os.unlink(copy.folder / paths[other])
        repair(copy)
        compact(copy, "problems", "r")
        [path] = (copy.folder / "problems/run=r").glob("merged-*")
        merged[pair] = path
    first, second = merged[0, 1], merged[1, 2]
    folder = store.folder / "problems/run=r"
    shutil.copy(first, folder / "merged-99999999999999999999-b.parquet")  # by name the later one
    ids(store)
    swept(store, monkeypatch)  # a and b are in the first merge only
    shutil.copy(second, folder / "merged-00000000000000000001-a.parquet")
    assert (ids(store), ids(without_state(store))) == (["a", "b", "c"], ["a", "b", "c"])


def test_a_part_that_is_written_again_after_it_was_merged_and_swept_adds_nothing(
    store, monkeypatch
):
    def write(name):
        add(store, "problems", problems(name), run="r", once=f"hash{name}")

    for name in "ab":
        write(name)
    compact(store, "problems", "r")
    swept(store, monkeypatch)
    write("c")
    compact(store, "problems", "r")
    swept(store, monkeypatch)
    write("a")  # a writer that was stopped long ago
    assert (ids(store), ids(without_state(store))) == (["a", "b", "c"], ["a", "b", "c"])


def test_what_was_replaced_is_swept_once(store, monkeypatch):
    for name in "abc":
        add(store, "problems", problems(name), run="r")
    compact(store, "problems", "r")
    swept(store, monkeypatch)
    removed = []
    monkeypatch.setattr(files, "remove", lambda root, path: removed.append(path))
    swept(store, monkeypatch)
    assert removed == []
    monkeypatch.setattr(compaction, "FORGOTTEN_SECONDS", -1)
    swept(store, monkeypatch)
    with state_db.connect(store.folder) as connection:
        n = connection.execute("select count(*) from parts").fetchone()[0]
    assert (n, ids(store)) == (1, ["a", "b", "c"])


def test_a_merge_leaves_no_empty_folders_and_a_writer_makes_them_again(store, monkeypatch):
    for name in "ab":
        add(store, "runs", rows_of("runs", run=[name]), run=name)
    compact(store, "runs", None)
    swept(store, monkeypatch)
    assert [entry.name[:7] for entry in (store.folder / "runs").iterdir()] == ["merged-"]
    add(store, "runs", rows_of("runs", run=["a"]), run="a")
    assert ids(store, "run_events", "run") == ["a", "a", "b"]


def test_a_merge_is_bounded_by_what_its_texts_are_in_memory(store, monkeypatch):
    for name in "abcd":
        texts, scores = generated(name)
        loop = texts.with_columns(text=pl.lit(f"{name} and so on " * 100_000))
        add_generations(store, loop, scores, run="r", stage="s")
    sizes = [files.size(store.folder, path) for path in part_files(store, "texts")]
    monkeypatch.setattr(compaction, "MERGED_IN_MEMORY", 3_000_000)  # two texts are 2.4 MB
    assert max(sizes) < 20_000
    compact(store, "generations", "r")
    assert len(list((store.folder / "texts/run=r/stage=s").glob("merged-*"))) == 2


@pytest.mark.parametrize(
    "name",
    [
        "mine.parquet",
        "my-own.parquet",
        "part-1.parquet",
        "part-00000000000000000001-abc (1).parquet",
        "part-00000000000000000001-abc - Copy.parquet",
        "copy of part-00000000000000000001-abc.parquet",
        "part-00000000000000000001-.parquet",
        "PART-00000000000000000001-abc.parquet",
        "run=r/mine.parquet",
        "run=r copy/part-00000000000000000001-abc.parquet",
        "old/part-00000000000000000001-abc.parquet",
        ".run=r/part-00000000000000000001-abc.parquet",
    ],
)
def test_a_foreign_file_is_no_part(store, name):
    path = add(store, "problems", problems("p"), run="r")
    target = store.folder / "problems" / name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(store.folder / path, target)
    assert (ids(store), ids(without_state(store))) == (["p"], ["p"])


def test_foreign_files_are_counted(store):
    (store.folder / "problems").mkdir()
    (store.folder / "problems/mine.parquet").write_bytes(b"x")
    assert health(store)["foreign_files"] == 1
    assert repair(store)["foreign"] == ["problems/mine.parquet"]


def test_a_copy_of_the_folder_of_a_run_is_refused_with_what_to_do(store):
    add(store, "problems", problems("p"), run="r")
    shutil.copytree(store.folder / "problems/run=r", store.folder / "problems/run=r.bak")
    with pytest.raises(StoreError, match=r"holds rows of r; expected those of run r\.bak"):
        ids(store)


@pytest.mark.parametrize("run", ["7", "1.5", "2026-01-01", "true", "NULL", "1e5", "007"])
def test_a_run_whose_name_looks_like_a_value_stays_a_name(store, run):
    add(store, "problems", problems("p"), run=run)
    assert ask(store, "select run, problem_id from problems").rows() == [(run, "p")]


ODD = ["a[1]", "[", "*", "?", "a\\b", "a\\[b", "{x,y}", "a'b", 'a"b', "é ü", "~", "a\nb", "x=1",
       "a%20b", "$HOME", "http:", "a;b --", "\udce9"]  # fmt: skip


@pytest.fixture(scope="module")
def folder_of_stores(tmp_path_factory):
    """A folder of stores; the names of some are patterns that match the others."""
    folder = tmp_path_factory.mktemp("stores")
    add(open_store(folder / "a1"), "problems", problems("wrong"), run="r")
    return folder


@pytest.mark.parametrize("name", ODD)
def test_a_store_may_lie_anywhere(folder_of_stores, name):
    store = open_store(folder_of_stores / name)
    add(store, "problems", problems("p"), run="r")
    add(store, "problems", problems("q"), run="r")
    add_generations(store, *generated("a"), run="r", stage="s")
    before = ask(store, "select * from problems order by all").columns, ids(store)
    compact(store, "problems", "r")
    assert (ids(store), texts_of(store), before[1]) == (["p", "q"], ["a"], ["p", "q"])
    assert before[0] == list(TABLES["problems"])
    assert health(store)["missing_parts"] == 0


def test_a_relative_store_may_lie_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(Path("a[1]"))
    add(store, "problems", problems("p"), run="r")
    assert ids(store) == ["p"]


@pytest.mark.parametrize(
    "odd",
    ["a file", "below a file", "a link to nothing", "a mark that is a folder", "a long name"],
)
def test_a_path_that_can_be_no_store_is_refused_with_what_to_do(tmp_path, odd):
    path = tmp_path / "x"
    if odd == "a long name":
        path = tmp_path / ("x" * 300)
    elif odd == "a link to nothing":
        path.symlink_to(tmp_path / "nothing")
    elif odd == "a mark that is a folder":
        (path / "STORE.json").mkdir(parents=True)
    else:
        path.write_text("mine")
    with pytest.raises(StoreError, match="Name another folder with --store"):
        open_store(path / "store" if odd == "below a file" else path)
    assert odd == "a long name" or path.is_symlink() or path.exists()


def test_of_one_run_only_its_folders_are_listed(store, monkeypatch):
    for n in range(5):
        add_generations(store, *generated(f"g{n}"), run=f"r{n}", stage="s")
    listed = []
    whole = files.parquet_files
    monkeypatch.setattr(
        files, "parquet_files", lambda root, folder: listed.append(folder) or whole(root, folder)
    )
    assert texts_of(within(store, ["r3"])) == ["g3"]
    assert listed == ["scores/run=r3", "texts/run=r3"]
    monkeypatch.undo()
    assert len(texts_of(store)) == 5


def test_a_writer_whose_disk_fails_takes_nothing_away_that_another_wrote(store, monkeypatch):
    pair = generated("a")
    add_generations(store, *pair, run="r", stage="s", once="same")
    rng = random.Random(0)

    def broken(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "sync_folder", broken)
    with pytest.raises(StoreError, match="Free some space"):
        add(store, "problems", problems(f"p{rng.random()}"), run="r", once="p")
    add_generations(store, *pair, run="r", stage="s", once="same")  # nothing to write
    monkeypatch.undo()
    assert texts_of(store) == ids(store, "scores", "generation_id") == ["a"]


def test_a_pair_whose_scores_were_not_written_is_written_whole(store):
    texts, scores = generated("a")
    add_generations(store, texts, scores, run="r", stage="s", once="same")
    (path,) = part_files(store, "scores")
    (store.folder / path).unlink()  # killed between the two renames
    other = texts.with_columns(text=pl.lit("the text that was scored"))
    add_generations(store, other, scores, run="r", stage="s", once="same")
    assert ask(store, "select text from generations")["text"].to_list() == [
        "the text that was scored"
    ]


def test_a_score_that_two_graders_stored_is_there_once_after_a_merge(store):
    add_generations(store, *generated("a"), run="r", stage="s")
    for _ in range(2):
        add(store, "scores", generated("a", grader="math")[1], run="r", stage="s")
    compact(store, "scores", "r")
    query = "select grader, count(*) from scores group by 1 order by 1"
    assert ask(store, query).rows() == [("math", 1), ("strict", 1)]


@pytest.mark.parametrize("run", ["r/../../..", "../r", "r\0", "r" * 300, "", "r/"])
def test_of_a_run_that_no_folder_can_be_named_after_there_are_no_rows(store, run):
    add_generations(store, *generated("a"), run="r", stage="s")
    assert texts_of(within(store, [run])) == []
