"""The views that other questions start from, each over a few rows."""

import duckdb
import polars as pl

from data.store import annotations
from data.store.runs import begin, end
from data.store.store import Store, add, ask, within
from data.store.views import VIEWS, in_order, names_in
from tests.support.store_rows import rows_of


def run_of(store: Store, run: str, kind: str = "convert", event: str | None = "done") -> str:
    begin(store, kind, run=run, config={}, seed=None, inputs={})
    if event:
        end(store, run, event, {})
    return run


def converted(store: Store, run: str, converter: str, outcomes: dict[str, str]) -> None:
    """Records of the source s, each with an example and a problem where it became one."""
    ids = list(outcomes)
    common = {"record_id": ids, "source": ["s"] * len(ids), "converter": [converter] * len(ids)}
    splits = ["test" if name == "tested" else "train" for name in ids]
    add(store, "records", rows_of("records", record_id=ids, source=["s"] * len(ids), split=splits),
        run=run)  # fmt: skip
    add(store, "conversions", rows_of("conversions", **common, outcome=list(outcomes.values())),
        run=run)  # fmt: skip
    good = [name for name in ids if outcomes[name] == "example"]
    if not good:
        return
    columns = {"record_id": good, "source": ["s"] * len(good)}
    examples = rows_of(
        "examples", **columns, converter=[converter] * len(good),
        example_id=[f"{name}-{converter}" for name in good],
    )  # fmt: skip
    problems = rows_of(
        "problems", **columns, problem_id=[f"p{name}-{converter}" for name in good],
        split=["train"] * len(good), question=good, gold=[converter] * len(good),
    )  # fmt: skip
    add(store, "examples", examples, run=run)
    add(store, "problems", problems, run=run)


def test_every_view_answers_in_an_empty_store(store):
    assert {name: ask(store, f"from {name}").height for name in VIEWS} == dict.fromkeys(VIEWS, 0)


def test_runs_are_the_last_event_of_each_run(store):
    run_of(store, "a")
    run_of(store, "b", event=None)
    rows = ask(store, "select run, event, ended_at is null as runs_on from runs order by run")
    assert rows.rows() == [("a", "done", False), ("b", "started", True)]


def test_the_conversion_that_started_last_is_the_newest(store):
    converted(store, run_of(store, "z"), "1", {"a": "example"})
    converted(store, run_of(store, "y"), "2", {"a": "quarantined"})
    newest = ask(store, "select source, converter from newest_converters").rows()
    assert newest == [("s", "2")]
    assert ask(store, "select record_id, outcome from current_conversions").rows() == [
        ("a", "quarantined")
    ]


def test_a_record_that_was_stored_twice_is_one_row_under_its_converter(store):
    for run in ("a", "b"):
        converted(store, run_of(store, run), "1", {"x": "example"})
    for view in ("record_conversions", "current_conversions", "record_examples",
                 "current_examples", "trainable_examples"):  # fmt: skip
        assert ask(store, f"select record_id, run from {view}").rows() == [("x", "a")]


def stored_twice(store: Store) -> None:
    """The record x by two runs at two row numbers; y by one of them, twice at one row number."""
    for run, numbers in (("b", [4, 9, 9]), ("a", [7])):
        n = len(numbers)
        rows = rows_of("records", record_id=["x", "y", "y"][:n], row_number=numbers,
                       source=["s"] * n, origin=[f"{run}.jsonl"] * n)  # fmt: skip
        add(store, "records", rows, run=run)


def test_a_record_that_was_stored_twice_is_once_as_the_first_run_has_it(store):
    stored_twice(store)
    query = "select record_id, run, row_number, origin from source_records order by all"
    assert ask(store, query).rows() == [("x", "a", 7, "a.jsonl"), ("y", "b", 9, "b.jsonl")]


def test_by_row_a_record_is_once_for_each_row_number_and_as_the_views_first_row_has_it(store):
    stored_twice(store)
    query = "select record_id, row_number, run from records_by_row order by all"
    assert ask(store, query).rows() == [("x", 4, "b"), ("x", 7, "a"), ("y", 9, "b")]
    same = "using (record_id, run, row_number)"
    assert ask(store, f"from source_records semi join records_by_row {same}").height == 2


def test_a_range_of_row_numbers_is_read_before_rows_are_compared(tmp_path):
    # else the bodies of a million records are in memory for each part that is converted
    with duckdb.connect() as connection:
        rows = rows_of("records", record_id=["x", "y"], row_number=[1, 6], source=["s"] * 2)
        rows.with_columns(run=pl.lit("a")).write_parquet(tmp_path / "part.parquet")
        connection.read_parquet(str(tmp_path / "part.parquet")).create_view("records")

        def plan(view: str) -> str:
            query = f"explain select body from ({VIEWS[view]}) where row_number between 5 and 8"
            return connection.sql(query).fetchall()[0][1]

        scans = [plan(view).partition("Window")[2] for view in ("records_by_row", "source_records")]
    assert ["row_number >= 5" in scan for scan in scans] == [True, False]


def test_tokens_that_were_counted_twice_are_once_for_each_tokenizer(store):
    for run in ("b", "a"):
        rows = rows_of("tokens", record_id=["x", "x"], source=["s"] * 2, converter=["1"] * 2,
                       tokenizer=["t", "u"], answer=[5, 6])  # fmt: skip
        add(store, "tokens", rows, run=run)
    query = "select tokenizer, answer, run from record_tokens order by all"
    assert ask(store, query).rows() == [("t", 5, "a"), ("u", 6, "a")]


def test_the_runs_that_converted_a_source_are_there_also_where_their_events_are_lost(store):
    converted(store, run_of(store, "a"), "1", {"x": "example"})
    converted(store, "lost", "1", {"y": "example"})
    query = "select source, converter, run, started_at is null from conversion_runs order by run"
    assert ask(store, query).rows() == [("s", "1", "a", False), ("s", "1", "lost", True)]


def test_trained_on_is_what_nobody_quarantined_and_no_test_split_holds(store):
    run = run_of(store, "a")
    converted(store, run, "1", dict.fromkeys(("held", "kept", "tested"), "example"))
    annotations.rule(store, "held", "quarantined", "wrong answer", "ada")
    assert ask(store, "select record_id from current_examples order by all").rows() == [
        ("kept",), ("tested",)
    ]  # fmt: skip
    assert ask(store, "select record_id, is_current from trainable_examples").rows() == [
        ("kept", True)
    ]


def test_examples_of_an_older_conversion_are_trainable_but_not_current(store):
    for run, converter in (("a", "1"), ("b", "2")):
        converted(store, run_of(store, run), converter, {"x": "example"})
    query = "select example_id, is_current from trainable_examples order by all"
    assert ask(store, query).rows() == [("x-1", False), ("x-2", True)]
    assert ask(store, "select example_id from current_examples").rows() == [("x-2",)]


def test_of_a_record_converted_twice_only_the_newer_problem_counts(store):
    for run, converter in (("a", "2"), ("b", "1")):
        converted(store, run_of(store, run), converter, {"x": "example"})
    assert ask(store, "select problem_id from current_problems").rows() == [("px-1",)]


def test_a_problem_counts_unless_its_record_was_quarantined(store):
    converted(store, run_of(store, "a"), "1", dict.fromkeys("abcd", "example"))
    converted(store, run_of(store, "b"), "2", {"a": "example", "b": "quarantined",
                                               "c": "quarantined"})  # fmt: skip
    annotations.rule(store, "a", "quarantined", "wrong answer", "ada")
    annotations.rule(store, "c", "released", "it is right", "ada")
    excluded = ask(store, "select problem_id, excluded from problem_records order by all").rows()
    assert excluded == [
        ("pa-2", "by a person"), ("pb-1", "by conversion"), ("pc-1", None), ("pd-1", None)
    ]  # fmt: skip
    assert ask(store, "select problem_id from current_problems order by all").rows() == [
        ("pc-1",), ("pd-1",)
    ]  # fmt: skip


def test_a_problem_of_two_records_counts_while_one_of_them_does(store):
    run = run_of(store, "a")
    rows = rows_of("problems", problem_id=["p", "p"], record_id=["r1", "r2"], source=["s", "s"],
                   split=["train", "train"])  # fmt: skip
    add(store, "problems", rows, run=run)
    both = ask(store, "select problem_id, record_id from current_problems").rows()
    annotations.rule(store, "r1", "quarantined", "wrong answer", "ada")
    one = ask(store, "select problem_id, record_id from current_problems").rows()
    assert (both, one) == ([("p", "r1")], [("p", "r2")])


def test_an_imported_problem_has_no_record_and_counts(store):
    rows = rows_of("problems", problem_id=["p", "q"], source=["file"] * 2, split=["train"] * 2)
    add(store, "problems", rows, run=run_of(store, "a", "import"))
    assert ask(store, "select problem_id from current_problems order by all").rows() == [
        ("p",), ("q",)
    ]  # fmt: skip


def test_a_problem_of_a_record_is_as_the_record_has_it_whoever_imported_answers_to_it(store):
    columns = {"problem_id": ["p"], "question": ["q"], "gold": ["1"]}
    for run, record, split in (("a", None, "test"), ("c", "r", "train"), ("d", None, "test")):
        rows = rows_of("problems", **columns, source=[run], split=[split], record_id=[record])
        add(store, "problems", rows, run=run_of(store, run))
    for view in ("problem_texts", "current_problems", "problem_rows"):
        query = f"select source, split, record_id from {view}"
        assert ask(store, query).rows() == [("c", "train", "r")], view
    annotations.rule(store, "r", "quarantined", "no problem", "Ann")
    assert ask(store, "select * from current_problems").is_empty()


def test_the_texts_of_a_problem_are_of_one_row_and_a_test_split_anywhere_shows(store):
    rows = rows_of(
        "problems", problem_id=["p", "p", "q"], source=["b", "a", "a"],
        split=["test", "train", "train"], question=["first", "second", "other"],
        gold=["1", "2", "3"], steps=[None, None, 2],
    )  # fmt: skip
    add(store, "problems", rows, run=run_of(store, "a"))
    query = "select problem_id, source, split, question, gold, steps from problem_texts order by 1"
    assert ask(store, query).rows() == [
        ("p", "a", "test", "second", "2", None),
        ("q", "a", "train", "other", "3", 2),
    ]


def scores(*ids: str, version: str = "1") -> dict[str, list]:
    n = len(ids)
    return {"generation_id": list(ids), "grader": ["strict"] * n, "grader_version": [version] * n}


def test_a_persons_verdict_is_the_score_and_the_graders_stays_beside_it(store):
    rows = rows_of("scores", **scores(*"abcde"), correct=[False, True, True, False, True],
                   partial=[False, True, True, True, True])  # fmt: skip
    add(store, "scores", rows, run="r", stage="sft")
    for name, verdict in (("a", "right"), ("b", "wrong"), ("c", "unknown"), ("d", "wrong")):
        annotations.override(store, name, "strict", verdict, "looked at it", "ada")
    query = """
        select generation_id, correct, partial, graded_correct, overridden
        from current_scores order by all
    """
    assert ask(store, query).rows() == [
        ("a", True, True, False, True),
        ("b", False, True, True, True),
        ("c", None, None, True, True),
        ("d", False, True, False, True),
        ("e", True, True, True, False),
    ]


def test_an_override_of_another_grader_changes_nothing(store):
    add(store, "scores", rows_of("scores", **scores("a"), correct=[True]), run="r", stage="sft")
    annotations.override(store, "a", "lenient", "wrong", "looked at it", "ada")
    assert ask(store, "select correct from current_scores").rows() == [(True,)]


def test_a_score_that_was_stored_twice_is_one_row_for_each_version(store):
    for version in ("1", "1", "2"):
        rows = rows_of("scores", **scores("a", "b", version=version), correct=[True, False])
        add(store, "scores", rows, run="r", stage="sft")
    query = "select generation_id, grader_version, correct from current_scores order by all"
    assert ask(store, query).rows() == [
        ("a", "1", True), ("a", "2", True), ("b", "1", False), ("b", "2", False)
    ]  # fmt: skip


def test_a_view_reads_only_the_runs_that_the_store_is_narrowed_to(store):
    for run in ("r", "s"):
        add(store, "scores", rows_of("scores", **scores(run)), run=run, stage="sft")
    query = "select generation_id from current_scores"
    assert ask(within(store, ["r"]), query).rows() == [("r",)]


def test_the_tables_of_a_statement_are_those_that_duckdb_parses():
    statement = """
        with x as (select tokens from scores where note = 'from records')
        select * from x join "Problems" p using (id)
        where id in (select id from rulings) and a = $a -- from failures
    """
    assert names_in(statement) == {"x", "scores", "problems", "rulings"}
    assert names_in("from runs") == {"runs"}


def test_a_view_is_made_after_the_views_that_it_reads():
    names = in_order(frozenset({"current_problems"}))
    assert names[-1] == "current_problems"
    assert names.index("run_events") < names.index("runs") < names.index("newest_converters")
    assert set(names) >= {"problems", "rulings", "conversions"}
