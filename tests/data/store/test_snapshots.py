"""A snapshot: one moment of the store, for as many questions as are asked of it."""

import pytest

from data.store import annotations, files, state_db
from data.store.store import (
    add,
    add_generations,
    ask,
    generation,
    parts_by_run,
    reading,
    snapshot,
    unfrozen,
    version,
    within,
)  # fmt: skip
from data.store.upkeep import compact, health
from tests.support.store_rows import generated, ids, problems


def test_all_questions_to_a_snapshot_see_the_same_rows(store):
    add(store, "problems", problems("a"), run="r")
    annotations.tag(store, "record", "a", "good", "ada")
    with snapshot(store) as frozen:
        add(store, "problems", problems("b"), run="s")
        annotations.tag(store, "record", "b", "good", "ada")
        assert (ids(frozen), ids(store)) == (["a"], ["a", "b"])
        assert ids(frozen, "tags", "target_id") == ["a"]
    assert ids(store, "tags", "target_id") == ["a", "b"]


def test_tables_that_are_asked_late_are_of_the_same_moment(store):
    with snapshot(store) as frozen:
        add(store, "problems", problems("a"), run="r")
        annotations.rule(store, "a", "quarantined", "wrong", "ada")
        assert ask(frozen, "select * from problems left join rulings using (record_id)").is_empty()


def test_versions_are_of_the_moment_too(store):
    with snapshot(store) as frozen:
        before = generation(frozen), version(frozen, "problems", "tags")
        add(store, "problems", problems("a"), run="r")
        annotations.tag(store, "record", "a", "good", "ada")
        assert (generation(frozen), version(frozen, "problems", "tags")) == before
        assert parts_by_run(frozen, "problems") == {}
        assert version(store, "problems", "tags") != before[1]


def test_no_folder_is_listed_again_in_a_snapshot(store, monkeypatch):
    add(store, "problems", problems("a"), run="r")
    with snapshot(store) as frozen:
        monkeypatch.setattr(files, "parquet_files", lambda *_: pytest.fail("listed again"))
        assert ids(frozen) == ["a"]
        assert ask(frozen, "from current_problems").height == 1


def test_a_snapshot_goes_on_while_its_parts_are_merged(store):
    for name in ("a", "b", "c"):
        add(store, "problems", problems(name), run="r")
    with snapshot(store) as frozen:
        compact(store, "problems", "r")
        assert ids(frozen) == ["a", "b", "c"]
    assert ids(store) == ["a", "b", "c"]


def test_a_snapshot_can_be_narrowed_to_runs(store):
    for run in ("r", "s"):
        add_generations(store, *generated(run), run=run, stage="sft")
    with snapshot(store) as frozen:
        of_run = ids(within(frozen, ["s"]), "scores", "generation_id")
        assert (of_run, ids(frozen, "scores", "generation_id")) == (["s"], ["r", "s"])


def test_a_snapshot_of_a_snapshot_is_the_same_moment(store):
    with snapshot(store) as frozen:
        add(store, "problems", problems("a"), run="r")
        with snapshot(frozen) as again:
            assert ids(again) == []
        assert ids(frozen) == []


def test_nothing_is_written_through_a_snapshot(store):
    with snapshot(store) as frozen:
        with pytest.raises(AssertionError, match="read only"):
            add(frozen, "problems", problems("a"), run="r")
        add(unfrozen(frozen), "problems", problems("a"), run="r")
    assert ids(store) == ["a"]


def test_a_snapshot_holds_up_no_writer(store):
    with snapshot(store) as frozen, reading(frozen):
        annotations.tag(store, "record", "a", "good", "ada")
        with state_db.connect(store.folder) as connection:
            connection.execute("pragma wal_checkpoint")
    assert health(store)["missing_parts"] == 0


def test_threads_may_ask_one_snapshot_at_once(store):
    from concurrent.futures import ThreadPoolExecutor

    add(store, "problems", problems(*"abc"), run="r")
    with snapshot(store) as frozen, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ids(frozen), range(32)))
    assert answers == [["a", "b", "c"]] * 32
