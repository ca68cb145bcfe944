"""Deleted runs lie in the trash: they come back whole, and never stand in a new run's way."""

import itertools
import shutil
from contextlib import nullcontext
from pathlib import Path

import polars as pl
import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.ingest import ingest
from data.store import files, runs, state_db
from data.store.files import StoreError, locked
from data.store.store import add, add_generations, ask, open_store, snapshot
from data.store.upkeep import compact, compaction, health, repair, trash
from tests.support.store_rows import generated, ids, part_files, problems, rows_of


def begun(store, run="r", kind="eval"):
    runs.begin(store, kind, run=run, config={}, seed=0, inputs={})


def done(store, run="r", names="ab"):
    begun(store, run)
    for name in names:
        add_generations(store, *generated(f"{run}-{name}"), run=run, stage="s", once=name * 3)
    runs.end(store, run, "done", {})


def texts(store):
    return ids(store, "generations", "generation_id")


def without_state(store):
    for file in store.folder.glob("state.db*"):
        file.unlink()
    return open_store(store.folder)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "".join(
            f'{{"prompt": "q{n}", "completion": "<think>so {n}</think> a{n}"}}\n' for n in range(5)
        )
    )
    return path


def test_rows_of_a_deleted_ingestion_are_there_when_they_are_ingested_again(store, rows):
    first = ingest(store, "mine", rows, "completion")
    runs.delete(store, first["run"])
    gone = ids(store, "records", "record_id")
    again = ingest(store, "mine", rows, "completion")
    assert (gone, again["new"], len(ids(store, "records", "record_id"))) == ([], 5, 5)
    with pytest.raises(UserError, match="was made again after it was deleted") as refused:
        runs.restore(store, first["run"])
    folder = Path(str(refused.value).rpartition(": ")[2])
    assert sum(pl.read_parquet(path).height for path in folder.rglob("*.parquet")) == 5
    assert ingest(store, "mine", rows, "completion")["new"] == 0


def test_an_ingestion_that_was_killed_before_its_end_is_ended_by_the_next(store, rows, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(runs, "end", lambda *_: 1 / 0)
        killed.setattr(runs, "failures_recorded", lambda *_: nullcontext())
        with pytest.raises(ZeroDivisionError):
            ingest(store, "mine", rows, "completion")
    counts = ingest(store, "mine", rows, "completion")
    assert (counts["new"], counts["in_store"]) == (0, 5)
    assert (runs.state(store, counts["run"]) or {})["event"] == "done"


def test_rows_that_were_lost_are_there_when_they_are_ingested_again(store, rows):
    ingest(store, "mine", rows, "completion")
    (path,) = part_files(store, "records")
    backup = shutil.copy(store.folder / path, rows.parent / "backup")
    (store.folder / path).unlink()
    with pytest.raises(StoreError, match="thinkbench store repair"):
        ids(store, "records", "record_id")
    assert repair(store)["missing"] == [path]
    again = ingest(store, "mine", rows, "completion")
    assert (again["new"], len(ids(store, "records", "record_id"))) == (5, 5)
    shutil.copy(backup, store.folder / path)
    assert len(ids(store, "records", "record_id")) == 5


def test_a_lost_part_that_is_put_back_counts_again(store):
    add_generations(store, *generated("a"), run="r", stage="s")
    paths = [*part_files(store, "texts"), *part_files(store, "scores")]
    texts(store)
    for path in paths:
        (store.folder / path).rename(store.folder / files.TRASH / path.replace("/", "-"))
    assert sorted(repair(store)["missing"]) == sorted(paths)
    before = texts(store)
    for path in paths:
        (store.folder / files.TRASH / path.replace("/", "-")).rename(store.folder / path)
    assert (before, texts(store), ids(store, "scores", "generation_id")) == ([], ["a"], ["a"])


def test_a_lost_merged_part_that_is_put_back_counts_again(store):
    for name in "ab":
        add(store, "problems", problems(name), run="r")
    compact(store, "problems", "r")
    [merged] = (store.folder / "problems/run=r").glob("merged-*")
    merged.rename(store.folder / "backup")
    repair(store)
    before = ids(store)
    (store.folder / "backup").rename(merged)
    assert (before, ids(store)) == ([], ["a", "b"])


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("sweeps", [False, True])
def test_a_deleted_run_stays_deleted_and_comes_back_whole(store, monkeypatch, forgets, sweeps):
    done(store)
    done(store, "other")
    if sweeps:
        monkeypatch.setattr(compaction, "GRACE_SECONDS", -1)
        compaction.sweep(store)
    runs.delete(store, "r")
    store = without_state(store) if forgets else store
    gone = texts(store), runs.state(store, "r"), part_files(store, "scores/run=r")
    assert runs.restore(store, "r") == 2
    assert gone == (["other-a", "other-b"], None, [])
    assert texts(store) == ids(store, "scores", "generation_id")
    assert texts(store) == ["other-a", "other-b", "r-a", "r-b"]
    assert texts(without_state(store)) == ["other-a", "other-b", "r-a", "r-b"]
    assert health(store)["parts_in_trash"] == 0


def test_of_a_run_that_was_deleted_twice_the_last_one_comes_back(store):
    done(store, names="ab")
    runs.delete(store, "r")
    done(store, names="bc")
    runs.delete(store, "r")
    runs.restore(store, "r")
    assert texts(store) == ["r-b", "r-c"]


def test_a_run_is_deleted_by_its_whole_name(store):
    for run in ("r_1", "rx1", "r_1.2", "r"):
        done(store, run)
    runs.delete(store, "r_1")
    assert texts(store) == ["r-a", "r-b", "r_1.2-a", "r_1.2-b", "rx1-a", "rx1-b"]


def test_the_folders_of_a_deleted_run_go_with_it_and_come_back(store):
    done(store)
    model = store.folder / "checkpoints/r/merged/model.safetensors"
    model.parent.mkdir(parents=True)
    model.write_text("weights")
    runs.delete(store, "r")
    gone = model.exists()
    runs.restore(store, "r")
    assert (gone, model.read_text()) == (False, "weights")


def test_a_run_without_parts_is_deleted_and_restored(store):
    begun(store)
    assert runs.delete(store, "r") == 0
    assert runs.restore(store, "r") == 0
    assert (runs.state(store, "r") or {})["event"] == "started"


@pytest.mark.parametrize("moves", range(4))
def test_a_deletion_that_is_interrupted_is_finished_by_the_next(store, monkeypatch, moves):
    done(store)
    whole, count = files.move, itertools.count()

    def killed(*arguments):
        if next(count) == moves:
            raise KeyboardInterrupt
        whole(*arguments)

    monkeypatch.setattr(files, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        runs.delete(store, "r")
    monkeypatch.undo()
    gone = texts(store)
    done(store, names="cd")  # a new run of that name
    assert (gone, texts(store)) == ([], ["r-c", "r-d"])
    assert part_files(store, "scores/run=r")
    with state_db.connect(store.folder) as connection:
        query = "select count(*) from parts where status = 'leaving'"
        assert connection.execute(query).fetchone() == (0,)


def test_a_deletion_that_was_killed_before_it_moved_anything_can_be_given_again(store, monkeypatch):
    done(store)
    monkeypatch.setattr(trash, "set_aside", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runs.delete(store, "r")
    monkeypatch.undo()
    assert runs.delete(store, "r") == 2
    with pytest.raises(UserError, match="deleted already"):
        runs.delete(store, "r")
    runs.restore(store, "r")
    assert texts(store) == ["r-a", "r-b"]


def test_a_restoration_that_is_interrupted_can_be_given_again(store, monkeypatch):
    done(store)
    runs.delete(store, "r")
    monkeypatch.setattr(runs, "_event", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runs.restore(store, "r")
    monkeypatch.undo()
    assert (runs.restore(store, "r"), texts(store)) == (2, ["r-a", "r-b"])


def test_what_was_emptied_from_the_trash_is_not_said_to_be_restored(store):
    done(store)
    runs.delete(store, "r")
    shutil.rmtree(store.folder / files.TRASH)
    with pytest.raises(UserError, match="it was emptied"):
        runs.restore(store, "r")
    assert runs.state(store, "r") is None


def test_what_an_older_version_deleted_can_be_restored(store):
    done(store)
    event = runs.state(store, "r") or {}
    with state_db.commit(store.folder) as connection:
        live = "table_name <> 'runs' and status = 'live'"
        paths = connection.execute(f"select path from parts where {live}").fetchall()
        connection.execute(f"update parts set status = 'trashed' where {live}")
    for (path,) in paths:
        files.move(store.folder, path, f"{files.TRASH}/{path}")
    shutil.rmtree(store.folder / "texts")  # what was merged is swept
    shutil.rmtree(store.folder / "scores")
    runs._event(store, event | {"event": "deleted"})
    gone = texts(store)
    runs.restore(store, "r")
    assert (gone, texts(store)) == ([], ["r-a", "r-b"])


def test_a_run_that_a_process_works_on_is_not_deleted(store):
    begun(store)
    with locked(store.folder / "checkpoints/r"), pytest.raises(UserError, match="works on run r"):
        runs.delete(store, "r")
    assert (runs.state(store, "r") or {})["event"] == "started"


@pytest.mark.parametrize("asks_first", [False, True])
def test_whoever_reads_while_a_run_is_deleted_reads_it_to_the_end(store, asks_first):
    done(store)
    with snapshot(store) as frozen:
        if asks_first:
            texts(frozen)
        runs.delete(store, "r")
        assert texts(frozen) == ids(frozen, "scores", "generation_id") == ["r-a", "r-b"]
    assert texts(store) == []


def test_a_question_whose_parts_are_swept_meanwhile_reads_the_merged_ones(store, monkeypatch):
    for name in "ab":
        add(store, "problems", problems(name), run="r")
    ids(store)
    whole, merges = files.exists, itertools.count()

    def exists(root, path):
        if next(merges) == 0:  # between the listing of the parts and the reading of them
            compact(store, "problems", "r")
            monkeypatch.setattr(compaction, "GRACE_SECONDS", -1)
            compaction.sweep(store)
        return whole(root, path)

    monkeypatch.setattr(files, "exists", exists)
    assert ids(store) == ["a", "b"]


def test_a_run_that_nobody_made_is_not_deleted(store):
    with pytest.raises(UserError, match="thinkbench runs list"):
        runs.delete(store, "nope")


def test_repair_sets_damaged_parts_aside_and_names_them(store):
    path = add(store, "problems", problems("a"), run="r")
    add(store, "problems", problems("b"), run="r")
    torn = "problems/run=r/part-00000000000000000001-torn.parquet"
    (store.folder / torn).write_bytes(b"PAR1")
    ids_before = repair(store)
    (store.folder / path).write_bytes(b"\0" * 1000)  # a disk that lost it later
    assert ids_before == {"missing": [], "damaged": [torn], "replaced": [], "foreign": []}
    assert repair(store) == {"missing": [], "damaged": [path], "replaced": [], "foreign": []}
    assert ids(store) == ["b"]
    assert repair(store) == {"missing": [], "damaged": [], "replaced": [], "foreign": []}


def test_an_interrupted_run_is_merged(store):
    begun(store)
    for step in range(5):
        add(store, "metrics", rows_of("metrics", step=[step]), run="r")
    runs.end(store, "r", "interrupted", {})
    assert health(store)["parts"] == 2 + 1  # two events
    assert ask(store, "select step from metrics order by 1")["step"].to_list() == [0, 1, 2, 3, 4]


def test_a_killed_run_is_merged_when_it_is_resumed_or_on_request(store):
    begun(store)
    for step in range(5):
        add(store, "metrics", rows_of("metrics", step=[step]), run="r")
    begun(store)
    assert health(store)["parts"] == 2 + 1
    add(store, "metrics", rows_of("metrics", step=[5]), run="r")
    assert compaction.compact_all(store) == {"replaced": 4, "parts_before": 4, "parts": 2}
    assert ask(store, "select count(*) from metrics").item() == 6


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_what_a_conversion_lost_is_made_again_by_the_same_command(store, rows, how):
    ingest(store, "mine", rows, "completion")
    convert_source(store, "mine")
    before = ask(store, "select * from examples order by all").drop("run")
    for folder in ("examples", "conversions"):
        for path in part_files(store, folder):
            if how == "lost":
                (store.folder / path).unlink()
            else:
                (store.folder / path).write_bytes(b"PAR1")
    result = runs.repair(store)
    gone = ids(store, "examples", "record_id")
    again = convert_source(store, "mine")
    assert (gone, before.height, len(result["runs"]), again["converted"]) == ([], 5, 1, 5)
    assert ask(store, "select * from examples order by all").drop("run").equals(before)
    assert (runs.state(store, result["runs"][0]) or {})["event"] == "done"
    assert runs.repair(store)["runs"] == []


def test_a_training_that_lost_a_part_of_its_history_stays_done(store):
    begun(store, kind="sft")
    add(store, "metrics", rows_of("metrics", step=[1]), run="r")
    runs.end(store, "r", "done", {})
    ids(store, "metrics", "step")
    (store.folder / part_files(store, "metrics")[0]).unlink()
    assert runs.repair(store)["runs"] == []
    assert (runs.state(store, "r") or {})["event"] == "done"


def test_empty_folders_are_removed_by_a_compaction(store):
    for run in "abc":
        (store.folder / f"scores/run={run}/stage=s").mkdir(parents=True)
    (store.folder / "scores/mine").mkdir()
    add(store, "scores", generated("g")[1], run="a", stage="s")
    compaction.compact_all(store)
    assert sorted(path.name for path in (store.folder / "scores").iterdir()) == ["mine", "run=a"]
