"""The store: what is added is seen whole, by everybody, and stays."""

import json
from datetime import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.store import annotations, files
from data.store.database import database
from data.store.files import StoreError
from data.store.schema import FORMAT_VERSION, TABLES
from data.store.state_db import ANNOTATIONS, columns_of
from data.store.store import add, add_generations, ask, generation, open_store, version, within
from tests.support.store_rows import generated, ids, part_files, problems, rows_of


def test_what_is_added_comes_back_with_its_run(store):
    add(store, "problems", problems("p1", "p2"), run="r1")
    assert ask(store, "select problem_id, question, run from problems order by all").rows() == [
        ("p1", "question p1", "r1"),
        ("p2", "question p2", "r1"),
    ]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_nobody_wrote_is_empty_and_has_its_types(store, table):
    view = "run_events" if table == "runs" else table
    assert_frame_equal(ask(store, f"from {view}"), pl.DataFrame(schema=TABLES[table]))


@pytest.mark.parametrize("view", ANNOTATIONS)
def test_a_state_table_that_nobody_wrote_is_empty_and_has_its_types(store, view):
    assert_frame_equal(ask(store, f"from {view}"), pl.DataFrame(schema=columns_of(view)))


def test_nested_columns_and_times_come_back_as_they_were(store):
    rewards = [[{"name": "format", "value": 0.5, "weight": 1.0}], []]
    rows = rows_of("rollouts", step=[1, 2], rewards=rewards).with_columns(run=pl.lit("r1"))
    add(store, "rollouts", rows, run="r1")
    assert ask(store, "select rewards from rollouts order by step")["rewards"].to_list() == rewards


def test_values_are_bound_also_lists_of_them(store):
    add(store, "problems", problems("p1", "p2", "it's"), run="r1")
    query = "select problem_id from problems where problem_id in (select unnest($ids)) order by all"
    assert ask(store, query, ids=["p2", "it's"])["problem_id"].to_list() == ["it's", "p2"]


def test_another_process_sees_what_was_added_without_opening_again(store):
    reader = open_store(store.folder)
    before = ids(reader)
    add(store, "problems", problems("p1"), run="r1")
    assert (before, ids(reader)) == ([], ["p1"])


def test_the_generation_grows_when_rows_arrive_and_only_then(store):
    first = generation(store)
    assert generation(store) == first
    add(store, "problems", problems("p1"), run="r1")
    assert generation(store) > first


def test_texts_without_their_scores_are_not_there_yet(store):
    add_generations(store, *generated("a"), run="r1", stage="sft")
    (path,) = part_files(store, "scores")
    aside = store.folder / "scores.aside"
    (store.folder / path).rename(aside)  # a writer killed between its two renames
    half = ids(store, "generations", "generation_id"), ids(store, "scores", "generation_id")
    aside.rename(store.folder / path)
    whole = ids(store, "generations", "generation_id"), ids(store, "scores", "generation_id")
    assert (half, whole) == (([], []), (["a"], ["a"]))


def test_scores_of_another_grader_need_no_texts(store):
    add_generations(store, *generated("a"), run="r1", stage="sft")
    add(store, "scores", generated("a", grader="lenient")[1], run="r1", stage="sft")
    query = "select grader, text from scores join generations using (generation_id) order by all"
    assert ask(store, query).rows() == [("lenient", "text of a"), ("strict", "text of a")]


def test_texts_and_scores_lie_under_one_name_and_in_one_order(store):
    add_generations(store, *generated("b", "a"), run="r1", stage="sft")
    (texts,), (scores,) = part_files(store, "texts"), part_files(store, "scores")
    read = [pl.read_parquet(store.folder / p)["generation_id"].to_list() for p in (texts, scores)]
    assert (texts.removeprefix("texts"), read) == (scores.removeprefix("scores"), [["a", "b"]] * 2)


def test_generations_that_do_not_match_their_scores_are_refused(store):
    texts, _ = generated("a", "b")
    _, scores = generated("a", "c")
    with pytest.raises(StoreError, match="2 generations and 2 scores do not match"):
        add_generations(store, texts, scores, run="r1", stage="sft")


def test_generations_alone_are_refused(store):
    with pytest.raises(StoreError, match="Call add_generations"):
        add(store, "generations", generated("a")[0], run="r1", stage="sft")


def test_half_written_and_foreign_files_are_not_read(store):
    add(store, "problems", problems("p1"), run="r1")
    folder = store.folder / "problems/run=r1"
    (folder / ".part-1.parquet.Xy3").write_bytes(b"PAR1 torn")
    (folder / "notes.txt").write_text("mine")
    (store.folder / files.STAGING / "1-torn").write_bytes(b"PAR1 torn")
    assert ids(store) == ["p1"]


def test_a_torn_part_is_an_error_that_names_it(store):
    add(store, "problems", problems("p1"), run="r1")
    (store.folder / "problems/run=r1/part-00000000000000000001-torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"-torn\.parquet is no whole Parquet file"):
        ids(store)


@pytest.mark.parametrize(
    "run", ["", ".", "..", "../r", "a/b", "a b", ".hidden", "é", "a\n", "r" * 101, "-r", "--json"]
)
def test_a_run_name_that_is_no_folder_name_is_refused(store, run):
    with pytest.raises(StoreError, match="cannot name a folder"):
        add(store, "problems", problems("p1"), run=run)


def test_rows_of_another_run_are_refused(store):
    with pytest.raises(StoreError, match="not every row has run 'r1'"):
        add(store, "problems", problems("p1").with_columns(run=pl.lit("r2")), run="r1")


def test_rows_with_other_columns_are_refused_by_name(store):
    rows = problems("p1").drop("gold").with_columns(answer=pl.lit("7"))
    with pytest.raises(StoreError, match="missing: gold; unknown: answer"):
        add(store, "problems", rows, run="r1")


@pytest.mark.parametrize("steps", ["7", 7.5, True])
def test_values_of_another_type_are_refused_not_bent(store, steps):
    rows = problems("p1").with_columns(steps=pl.lit(steps))
    with pytest.raises(StoreError, match=r"column steps is .*; expected Int32"):
        add(store, "problems", rows, run="r1")


def test_a_value_out_of_range_is_refused(store):
    with pytest.raises(StoreError, match="does not fit"):
        add(store, "problems", problems("p1").with_columns(steps=pl.lit(2**40)), run="r1")


def test_times_of_no_zone_are_refused(store):
    rows = rows_of("metrics", step=[1]).with_columns(at=pl.lit(datetime(2026, 1, 1)))
    with pytest.raises(StoreError, match="column at is Datetime"):
        add(store, "metrics", rows, run="r1")


def test_an_unknown_table_is_refused_with_those_there_are(store):
    with pytest.raises(StoreError, match="no table 'recrods'; expected one of records"):
        add(store, "recrods", problems("p1"), run="r1")


def test_no_rows_make_no_part(store):
    assert add(store, "problems", problems(), run="r1") == ""
    assert part_files(store, "problems") == []


def test_within_reads_only_the_parts_of_its_runs_and_stages(store):
    for run, stage in (("r1", "sft"), ("r1", "grpo"), ("r2", "sft")):
        add_generations(store, *generated(f"{run} {stage}"), run=run, stage=stage)
    read = [
        ids(within(store, **only), "generations", "generation_id")
        for only in ({"runs": ["r1"]}, {"stages": ["sft"]}, {"runs": ["r2"], "stages": ["grpo"]})
    ]
    assert read == [["r1 grpo", "r1 sft"], ["r1 sft", "r2 sft"], []]


def test_a_store_of_a_newer_format_is_refused_with_what_to_do(store):
    mark = store.folder / "STORE.json"
    newer = json.loads(mark.read_text()) | {"format_version": FORMAT_VERSION + 1}
    mark.write_text(json.dumps(newer))
    with pytest.raises(StoreError, match=rf"format {FORMAT_VERSION + 1}.* Upgrade thinkbench"):
        open_store(store.folder)


def test_a_mark_that_cannot_be_read_is_refused(store):
    (store.folder / "STORE.json").write_text("{")
    with pytest.raises(StoreError, match="expected a format_version"):
        open_store(store.folder)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is no store: .* holds thesis\.txt"):
        open_store(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_state_is_refused_with_what_to_do(store):
    for file in store.folder.glob("state.db*"):
        file.unlink()
    (store.folder / "state.db").write_bytes(b"not a database, long enough to be read as one" * 50)
    with pytest.raises(StoreError, match="Restore it from a backup"):
        open_store(store.folder)


def test_a_store_opened_twice_is_the_same_store(store):
    assert open_store(store.folder) == store


def test_within_a_run_the_problems_that_another_run_added_are_there(store):
    add(store, "problems", problems("p1"), run="ingest")
    for run in ("r1", "r2"):
        add(store, "rollouts", rows_of("rollouts", problem_id=["p1"]), run=run)
    both = "select r.run, question from rollouts r join problems using (problem_id)"
    assert ask(within(store, ["r1"]), both).rows() == [("r1", "question p1")]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_without_parts_has_the_types_of_its_columns(table):
    """As DuckDB itself reads a table of Polars with these columns."""
    with database().cursor() as cursor:
        cursor.register("rows", pl.DataFrame(schema=TABLES[table]))
        types = [
            cursor.sql(f"describe {source}").fetchall() for source in ("rows", f"empty.{table}")
        ]
    assert types[0] == types[1]


def test_a_version_changes_with_what_it_is_of_and_with_nothing_else(store):
    tags, problem_version = version(store, "tags"), version(store, "problems")
    annotations.tag(store, "generation", "g", "odd", "ana")
    assert version(store, "tags") != tags
    assert version(store, "problems") == problem_version
    add(store, "problems", rows_of("problems", problem_id=["new"]), run="more")
    assert version(store, "problems") != problem_version
    with pytest.raises(ValueError, match="jobs has no version"):
        version(store, "jobs")
