"""What repair calls lost: parts whose rows are nowhere else, until they are put back."""

import shutil

import pytest

from data.store import runs, state_db
from data.store.files import StoreError
from data.store.store import add, add_generations, open_store
from data.store.upkeep import compact, repair
from tests.support.store_rows import generated, ids, part_files, problems


def made(store, run, *names, kind="ingest"):
    """A run that is done, with a part for each of its problems."""
    runs.begin(store, kind, run=run, config={}, seed=0, inputs={})
    for name in names:
        add(store, "problems", problems(name), run=run)
    runs.end(store, run, "done", {"rows": len(names)})


def event(store, run="r"):
    row = runs.state(store, run) or {}
    return row["event"], row["summary"]


def forgotten(store):
    for file in store.folder.glob("state.db*"):
        file.unlink()
    return open_store(store.folder)


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_part_that_a_merge_replaced_is_not_lost(store, harm, forgets):
    runs.begin(store, "ingest", run="r", config={}, seed=0, inputs={})
    path, _ = (add(store, "problems", problems(name), run="r") for name in "ab")
    runs.end(store, "r", "done", {})
    if harm == "gone":
        (store.folder / path).unlink()
    else:
        (store.folder / path).write_bytes(b"PAR1")
    store = forgotten(store) if forgets else store
    report = repair(store)
    assert (report["missing"], report["damaged"]) == ([], [])
    assert report["replaced"] == ([path] if harm == "damaged" else [])
    assert (runs.repair(store)["runs"], event(store)) == ([], ("done", {}))
    assert ids(store) == ["a", "b"]


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_run_whose_lost_part_is_put_back_is_done_again(store, tmp_path, harm):
    made(store, "r", "a")
    made(store, "other", "b")
    [path] = part_files(store, "problems/run=r")
    backup = shutil.copy(store.folder / path, tmp_path / "backup")
    if harm == "damaged":
        (store.folder / path).write_bytes(b"PAR1")
    else:
        (store.folder / path).unlink()
    assert runs.repair(store)["runs"] == ["r"]
    assert event(store) == (
        "failed",
        {"rows": 1, "error": "parts of its rows were lost", "lost_parts": [path]},
    )
    assert (runs.repair(store)["whole"], ids(store)) == ([], ["b"])
    shutil.copy(backup, store.folder / path)
    assert (ids(store), event(store)[0]) == (["a", "b"], "failed")
    assert (runs.repair(store)["whole"], event(store)) == (["r"], ("done", {"rows": 1}))
    assert (runs.repair(store)["whole"], event(store, "other")) == ([], ("done", {"rows": 1}))


def test_a_run_that_got_back_one_of_two_lost_parts_stays_failed(store, tmp_path):
    add_generations(store, *generated("a"), run="r", stage="s", once="a" * 16)
    made(store, "r", "a", kind="eval")
    lost = [*part_files(store, "scores"), *part_files(store, "problems")]
    for path in lost:
        shutil.move(store.folder / path, tmp_path / path.partition("/")[0])
    assert runs.repair(store)["runs"] == ["r"]
    shutil.copy(tmp_path / "problems", store.folder / lost[1])
    assert (runs.repair(store)["whole"], event(store)[0]) == ([], "failed")
    shutil.copy(tmp_path / "scores", store.folder / lost[0])
    assert (runs.repair(store)["whole"], event(store)[0]) == (["r"], "done")


def test_a_lost_part_is_not_answered_from_an_earlier_deletion_of_its_run(store):
    path = ""
    for _ in range(2):  # the same rows, so the same name
        runs.begin(store, "ingest", run="r", config={}, seed=0, inputs={})
        path = add(store, "problems", problems("a"), run="r", once="a" * 16)
        runs.end(store, "r", "done", {})
        if not list(store.folder.glob(".trash/r@*")):
            runs.delete(store, "r")
    assert ids(store) == ["a"]
    assert list(store.folder.glob(f".trash/r@*/{path}"))
    (store.folder / path).unlink()
    with pytest.raises(StoreError, match="thinkbench store repair"):
        ids(store)
    assert repair(store)["missing"] == [path]
    assert ids(store) == []


def test_a_lost_part_is_not_answered_from_what_repair_set_aside(store):
    path = add(store, "problems", problems("a"), run="r", once="a" * 16)
    (store.folder / path).write_bytes(b"PAR1")
    repair(store)
    add(store, "problems", problems("a"), run="r", once="a" * 16)
    assert ids(store) == ["a"]
    (store.folder / path).unlink()
    with pytest.raises(StoreError, match="thinkbench store repair"):
        ids(store)


def test_a_merged_part_that_is_lost_is_lost(store):
    made(store, "r", "a", "b")
    compact(store, "problems", "r")
    [merged] = (store.folder / "problems/run=r").glob("merged-*")
    with state_db.commit(store.folder) as connection:
        connection.execute("update parts set status = 'swept' where status = 'replaced'")
    for file in (store.folder / "problems/run=r").iterdir():
        file.unlink()
    path = str(merged.relative_to(store.folder))
    assert repair(store)["missing"] == [path]
