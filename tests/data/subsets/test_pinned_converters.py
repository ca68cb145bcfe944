"""A version of a subset trains the same rows for ever, and the lineage of a run never changes."""

import json
from datetime import UTC, datetime

import pytest

from data.audit import queries
from data.audit.quarantine import quarantine
from data.conversion import VERSION
from data.conversion.convert_source import convert_source
from data.lineage import AS_STARTED, of_run, of_source
from data.sources.ingest import ingest
from data.store import annotations, runs
from data.store.store import Store, add
from data.subsets.recipe import Recipe, of_json, to_json
from data.subsets.versions import AS_SAVED, UNKNOWN_CONVERTER, converters_of, subset
from evals.curation import choose
from pipeline.job import inputs
from tests.support.store_rows import rows_of

RULE = frozenset({"answer-from-box"})
REPAIRED = f"{VERSION}+answer-from-box"


def added(store: Store, folder, name: str, *answers: str) -> None:
    """Ingest a file of rows with these answers."""
    rows = [
        {"prompt": f"{name} {n}?", "completion": f"<think>so</think> it is {answer}"}
        for n, answer in enumerate(answers)
    ]
    (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "mine", folder / f"{name}.jsonl", "completion")


@pytest.fixture
def saved(store, tmp_path):
    """A store with a version of all its three rows, by the converter without rules."""
    added(store, tmp_path, "first", "five", "\\boxed{5}", "\\boxed{6}")
    convert_source(store, "mine")
    return choose.save(store, "all", Recipe(sources=("mine",)), "Ann")[0]


def trained(store: Store, version, run: str = "sft-1") -> None:
    read = inputs.subset_input(store, version)
    runs.begin(store, "sft", run=run, stage="sft", config={}, seed=0, inputs=read)
    runs.end(store, run, "done", {})


def steps_of(store: Store, run: str = "sft-1") -> list[dict]:
    return [step.to_json() for step in of_run(store, run)]


def conversion_of(store: Store, run: str = "sft-1") -> dict:
    [step] = [step for step in of_run(store, run) if step.kind == "conversion"]
    return step.facts


def test_a_version_trains_the_same_texts_after_its_source_is_converted_again(store, saved):
    before = inputs.examples_in(store, saved)
    convert_source(store, "mine", RULE)
    assert inputs.examples_in(store, subset(store, "all@1")) == before
    assert sorted(one.answer for one in before) == [
        "it is \\boxed{5}", "it is \\boxed{6}", "it is five"
    ]  # fmt: skip


def test_a_new_version_of_the_same_recipe_trains_the_new_texts(store, saved):
    convert_source(store, "mine", RULE)
    again, _ = choose.save(store, "all", choose.afresh(saved.recipe), "Ann")
    assert (again.label, dict(again.recipe.converters)) == ("all@2", {"mine": REPAIRED})
    assert inputs.examples_in(store, again) != inputs.examples_in(store, saved)


def test_the_rows_of_a_version_are_shown_as_they_are_trained_on(store, saved):
    def answers() -> list[str]:
        rows = choose.page(store, saved.recipe, list(saved.ids), 1, 9)
        return sorted(rows["answer"])

    before = answers()
    convert_source(store, "mine", RULE)
    assert answers() == before == sorted(one.answer for one in inputs.examples_in(store, saved))


def test_a_check_names_the_conversion_that_is_newer(store, saved):
    assert choose.check(store, saved)["converters"] == {}
    convert_source(store, "mine", RULE)
    report = choose.check(store, saved)
    assert (report["same"], report["converters"]) == (
        False, {"mine": {"version": VERSION, "newest": REPAIRED}}
    )  # fmt: skip


def test_the_lineage_of_a_run_stays_when_its_source_is_converted_again(store, saved):
    trained(store, saved)
    before = steps_of(store)
    convert_source(store, "mine", RULE)
    assert steps_of(store) == before
    assert conversion_of(store)["version and rules"] == VERSION


def test_the_lineage_of_a_run_stays_when_rows_are_added_to_its_source(store, saved, tmp_path):
    trained(store, saved)
    before = steps_of(store)
    added(store, tmp_path, "second", "seven", "eight")
    convert_source(store, "mine")
    assert steps_of(store) == before
    assert (conversion_of(store)["records"], of_source(store, "mine")[0].facts["records"]) == (3, 5)  # fmt: skip  # noqa: E501


def test_a_run_over_a_whole_source_names_its_converter_among_its_inputs(store, saved):
    read = inputs.converter_input({"mine": VERSION})
    for run, event in (("done", "done"), ("broken", "interrupted"), ("running", None)):
        runs.begin(store, "sft", run=run, config={}, seed=0, inputs=read)
        if event:
            runs.end(store, run, event, {})
    before = {run: steps_of(store, run) for run in ("done", "broken", "running")}
    convert_source(store, "mine", RULE)
    assert {run: steps_of(store, run) for run in before} == before
    assert [conversion_of(store, run)["version and rules"] for run in before] == [VERSION] * 3


def test_a_run_that_does_not_name_its_converter_says_so_and_shows_that_of_its_time(store, saved):
    runs.begin(store, "grpo", run="old", config={}, seed=0, inputs={})
    runs.end(store, "old", "done", {"learned_from": {"source": "mine"}})
    convert_source(store, "mine", RULE)
    facts = conversion_of(store, "old")
    assert (facts["version and rules"], facts["converter"]) == (VERSION, AS_STARTED)


def test_a_run_from_before_all_conversions_says_that_its_converter_is_unknown(store, tmp_path):
    runs.begin(store, "grpo", run="old", config={}, seed=0, inputs={})
    runs.end(store, "old", "done", {"learned_from": {"source": "mine"}})
    added(store, tmp_path, "first", "five")
    convert_source(store, "mine")
    steps = of_run(store, "old")
    notes = [step.facts.get("converter", step.facts.get("why")) for step in steps]
    assert UNKNOWN_CONVERTER in notes


def test_a_version_without_stored_converters_is_of_those_when_it_was_saved(store, saved):
    ids = list(saved.ids)
    annotations.save_subset(store, "old", '{"of": "records"}', ids, author="Ann")
    old, before = subset(store, "old"), inputs.examples_in(store, saved)
    convert_source(store, "mine", RULE)
    assert converters_of(store, old) == {"mine": (VERSION, AS_SAVED)}
    assert inputs.examples_in(store, old) == before
    trained(store, old)
    assert conversion_of(store)["converter"] == AS_SAVED


def test_a_version_whose_filter_is_no_recipe_is_read_all_the_same(store, saved):
    annotations.save_subset(store, "odd", "by hand", list(saved.ids), author="Ann")
    assert converters_of(store, subset(store, "odd")) == {"mine": (VERSION, AS_SAVED)}


def test_what_a_person_quarantines_leaves_each_version(store, saved):
    quarantine(store, saved.ids[0], "wrong", "Ann")
    assert len(inputs.examples_in(store, saved)) == 2


def test_converters_are_written_with_a_recipe_and_read_again():
    recipe = Recipe(converters=(("a", "1"), ("b", REPAIRED)))
    assert json.loads(to_json(recipe))["converters"] == {"a": "1", "b": REPAIRED}
    assert of_json(to_json(recipe)) == recipe
    assert of_json('{"of": "records"}').converters == ()


def test_the_newest_converter_at_a_time_is_that_which_began_last_by_then(store, saved):
    after_first = datetime.now(UTC)
    convert_source(store, "mine", RULE)
    assert queries.converters_at(store, after_first) == {"mine": VERSION}
    assert queries.converters_at(store, datetime.now(UTC)) == {"mine": REPAIRED}
    assert queries.converters_at(store, datetime(2000, 1, 1, tzinfo=UTC)) == {}


def problem(store: Store, run: str, problem_id: str, outcome: str = "example") -> None:
    """The problem of the record x as a conversion gave it."""
    runs.begin(store, "convert", run=run, config={}, seed=None, inputs={})
    common = {"record_id": ["x"], "source": ["s"]}
    add(store, "conversions", rows_of("conversions", **common, converter=[run], outcome=[outcome]),
        run=run)  # fmt: skip
    rows = rows_of("problems", **common, problem_id=[problem_id], split=["train"], gold=["7"],
                   question=[f"asked as {problem_id}"])  # fmt: skip
    if outcome == "example":
        add(store, "problems", rows, run=run)
    runs.end(store, run, "done", {})


@pytest.mark.parametrize("outcome", ["example", "quarantined"])
def test_the_problems_of_a_version_stay_when_their_record_is_converted_again(store, outcome):
    problem(store, "1", "before")
    saved, _ = choose.save(store, "p", Recipe(of="problems"), "Ann")
    problem(store, "2", "after", outcome)
    [row] = inputs.problems_in(store, saved).usable.to_dicts()
    assert (row["problem_id"], row["question"]) == ("before", "asked as before")
    shown = choose.page(store, saved.recipe, list(saved.ids), 1, 9)
    assert shown["question"].to_list() == ["asked as before"]
    if outcome == "example":
        assert choose.choice(store, Recipe(of="problems")).ids == ["after"]
