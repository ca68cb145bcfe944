"""Subsets: what a recipe takes away step by step, its versions, and what is trained on by them."""

import json
import random
import re
import shutil
from dataclasses import replace

import polars as pl
import pytest

from data.audit.quarantine import quarantine
from data.duplicates.near_duplicates import repeats
from data.store import annotations
from data.store.store import Store, add, ask, open_store
from data.subsets.fields import FIELDS as OF_RECORDS
from data.subsets.filter_language import condition
from data.subsets.recipe import Recipe, of_json, to_json
from data.subsets.versions import NoSuchSubset, difference, subset, subsets
from evals.curation import choose
from evals.curation.problem_fields import FIELDS as OF_PROBLEMS, NotMeasured
from pipeline.config import BadConfig
from pipeline.job import inputs
from tests import ROOT
from tests.support.small_sources import RIGHT, problem_ids, run_of, with_records, with_sums
from tests.support.store_rows import rows_of, scored

LONG = "Ann has a box with many red apples and buys another box of pears on her way home from town"
PROMPTS = [f"{LONG}, how many?", f"{LONG}, how many!", f"Well, {LONG}, how many?", "1 + 1?", "9?"]


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Six examples, of which two repeat others and one nearly, and a row that is none; problems."""
    rows = [
        {"prompt": prompt, "completion": RIGHT.format("so it is", i)}
        for i, prompt in enumerate([PROMPTS[0], *PROMPTS])
    ]
    rows[0]["completion"] = rows[1]["completion"].replace("so it is", "So it is!")
    rows.append({"prompt": "cut off", "completion": "<reasoning>and then"})
    folder = tmp_path_factory.mktemp("subsets")
    return with_sums(with_records(open_store(folder / "store"), folder, rows), folder)


@pytest.fixture
def store(converted, tmp_path) -> Store:
    shutil.copytree(converted.folder, tmp_path / "store")
    return open_store(tmp_path / "store")


def steps(store: Store, **recipe) -> dict[str, int]:
    """What each step takes away."""
    chosen = choose.choice(store, Recipe(sources=("mine",), **recipe))
    assert chosen.steps[-1].left == len(chosen.ids)
    return {step.name: step.taken for step in chosen.steps if step.taken}


def test_each_step_says_how_many_rows_it_takes_away(store):
    quarantined = ask(store, "select record_id from examples where prompt = '9?'")["record_id"][0]
    quarantine(store, quarantined, "why", "Ann")
    chosen = steps(store, where='prompt != "1 + 1?"', duplicates="exact", sample=1, by="prompt")
    assert chosen == {
        "no example": 1,
        "held back by a person": 1,
        "outside the filter": 1,
        "exact duplicates": 2,
        "not drawn": 1,
    }


def test_near_duplicates_are_those_with_most_runs_of_words_in_common(store):
    assert steps(store, duplicates="exact")["exact duplicates"] == 1
    assert steps(store, duplicates="exact", by="prompt")["exact duplicates"] == 2
    assert steps(store, duplicates="near", by="prompt")["near duplicates"] == 3
    other_numbers = [f"{LONG} and pays {n} coins for {n + 1} of them" for n in range(3)]
    assert repeats(other_numbers, near=False) == [None, None, None]
    assert repeats(["", " ", "?"], near=True) == [None, 0, 0]


def test_near_duplicates_are_found_as_a_plain_comparison_finds_them():
    draw = random.Random(0)
    texts = [[draw.choice("abcdefghij") * draw.randint(1, 3) for _ in range(40)] for _ in range(30)]
    texts += [[*text[:i], "changed", *text[i + 1 :]] for text in texts for i in (0, 20)]
    draw.shuffle(texts)

    def runs(text: list[str]) -> set[tuple[str, ...]]:
        return {tuple(text[n : n + 5]) for n in range(len(text) - 4)}

    plain: list[int | None] = []
    for i, text in enumerate(texts):
        same = (
            other
            for other in range(i)
            if plain[other] is None
            and len(runs(text) & runs(texts[other])) >= 0.8 * len(runs(text) | runs(texts[other]))
        )
        plain.append(next(same, None))
    assert repeats([" ".join(text) for text in texts], near=True) == plain
    assert sum(one is not None for one in plain) > 20


def test_what_is_drawn_depends_on_the_seed_alone(store):
    drawn = [
        choose.choice(store, Recipe(sources=("mine",), sample=3, seed=seed)).ids
        for seed in (0, 0, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(ids) for ids in drawn}) > 1


def test_a_budget_of_tokens_is_not_passed_and_unknown_counts_are_left_out(store):
    examples = ask(store, "select * from examples where source = 'mine' order by prompt").head(4)
    n = examples.height
    counts = rows_of(
        "tokens",
        **{name: examples[name].to_list() for name in ("example_id", "record_id", "converter")},
        source=["mine"] * n,
        tokenizer=["words"] * n,
        **{name: [10] * n for name in ("prompt", "reasoning", "answer")},
    )
    add(store, "tokens", counts, run="counted")
    chosen = choose.choice(store, Recipe(sources=("mine",), tokens=100))
    taken = {step.name: step.taken for step in chosen.steps}
    assert (taken["tokens unknown"], taken["beyond the budget of tokens"]) == (2, 1)
    assert (len(chosen.ids), chosen.tokens) == (3, 90)


def test_saving_twice_is_one_version_and_another_filter_is_the_next(store):
    first, _ = choose.save(store, "short", Recipe(where="prompt_chars < 10"), "Ann")
    again, _ = choose.save(store, "short", Recipe(where="prompt_chars < 10"), "Ben")
    second, _ = choose.save(store, "short", Recipe(where="prompt_chars < 5"), "Ann")
    assert [one.label for one in (first, again, second)] == ["short@1", "short@1", "short@2"]
    assert subset(store, "short").label == "short@2"
    changed = difference(first, second)
    assert changed["both"] == len(second.ids)
    assert not changed["only_second"]
    child, _ = choose.save(store, "child", Recipe(parent="short@1"), "Ann")
    assert (child.parent, child.ids) == ("short@1", first.ids)


def test_a_check_tells_what_the_recipe_would_choose_now(store):
    saved, _ = choose.save(store, "all", Recipe(sources=("mine",)), "Ann")
    assert choose.check(store, saved)["same"]
    quarantine(store, saved.ids[0], "why", "Ann")
    now = choose.check(store, saved)
    assert (now["same"], now["gone"], now["new"]) == (False, [saved.ids[0]], [])


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"where": "prompt = nothing"}, "would be empty"),
        ({"of": "nothing"}, "expected one of records, problems"),
        ({"sample": -1}, "0 \\(all\\) or more"),
        ({"of": "problems", "tokens": 5}, "no count of tokens"),
        ({"duplicates": "some"}, "keep, exact, near"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(store, recipe, words):
    with pytest.raises(annotations.BadEntry, match=words):
        choose.save(store, "name", Recipe(**recipe), "Ann")


def test_blanks_around_a_name_make_no_other_subset(store):
    first, _ = choose.save(store, "short", Recipe(), "Ann")
    again, _ = choose.save(store, " short ", Recipe(), "Ben")
    assert (again.name, again.version) == (first.name, first.version) == ("short", 1)


@pytest.mark.parametrize("label", ["none", "short@9", "@", "short@", "a@b"])
def test_a_subset_that_is_not_there_is_named_with_those_that_are(store, label):
    choose.save(store, "short", Recipe(), "Ann")
    with pytest.raises(NoSuchSubset, match=r"short|1"):
        subset(store, label)


def test_a_recipe_reads_back_as_it_was_written():
    recipe = Recipe(sources=("a", "b"), where='x contains "é"', duplicates="near", seed=3)
    assert of_json(to_json(recipe)) == recipe
    with pytest.raises(annotations.BadEntry, match="is no recipe"):
        of_json("source = a")


def test_sft_reads_the_examples_of_a_subset_and_its_version_is_an_input(store):
    saved, _ = choose.save(store, "some", Recipe(where='prompt in ("1 + 1?", "9?")'), "Ann")
    chosen = inputs.examples_in(store, saved)
    assert sorted(example.prompt for example in chosen) == ["1 + 1?", "9?"]
    assert inputs.subset_of(store, "some", "records") == saved
    with pytest.raises(BadConfig, match="holds records; expected a subset of problems"):
        inputs.subset_of(store, "some@1", "problems")
    quarantine(store, saved.ids[0], "why", "Ann")
    assert len(inputs.examples_in(store, saved)) == 1


def test_problems_are_chosen_by_how_often_a_run_got_them_right(store):
    first, second, third, _ = problem_ids(store)
    scored(store, "answers", {first: [True, False], second: [True, True], third: [None, None]})
    with pytest.raises(NotMeasured, match="no run 'answers'"):
        choose.choice(store, Recipe(of="problems", run="answers"))
    run_of(store, "answers", "eval")
    chosen = {
        where: choose.choice(store, Recipe(of="problems", run="answers", where=where)).ids
        for where in ("0 < pass_rate < 1", "pass_rate = 1", "pass_rate is unknown", "answers = 2")
    }
    assert chosen["0 < pass_rate < 1"] == [first]
    assert chosen["pass_rate = 1"] == [second]
    assert third in chosen["pass_rate is unknown"]
    assert chosen["answers = 2"] == sorted([first, second, third])
    saved, _ = choose.save(store, "band", Recipe(of="problems", run="answers"), "Ann")
    assert inputs.problems_in(store, saved).usable["problem_id"].to_list() == sorted(
        problem_ids(store)
    )


def test_a_persons_verdict_counts_in_the_pass_rate(store):
    first = problem_ids(store)[0]
    scored(store, "answers", {first: [False, False]})
    run_of(store, "answers", "eval")
    generation = ask(store, "select generation_id from scores order by sample limit 1").item()
    annotations.override(store, generation, "strict", "right", "looked at it", "Ann")
    recipe = Recipe(of="problems", run="answers", where="pass_rate = 0.5")
    assert choose.choice(store, recipe).ids == [first]


def test_no_subset_holds_a_test_problem(store):
    chosen = choose.choice(store, Recipe(of="problems"))
    assert not set(chosen.ids) & set(problem_ids(store, "test"))
    assert {step.name: step.taken for step in chosen.steps}["of a test split"] == 4


def answered(store: Store) -> None:
    """A finished evaluation, of which the fields of problems are."""
    scored(store, "answers", {problem_ids(store)[0]: [True, False]})
    run_of(store, "answers", "eval")


def test_every_filter_of_the_documentation_can_be_asked(store):
    text = (ROOT / "docs" / "filters.md").read_text()
    filters = re.findall(r"^\| `(.+?)` \|", text, re.M)
    assert len(filters) >= 10
    answered(store)
    for one in filters:
        of_problems = "pass_rate" in one or "question" in one
        condition(one, OF_PROBLEMS if of_problems else OF_RECORDS)
        choose.choice(
            store, Recipe(of="problems" if of_problems else "records", run="answers", where=one)
        )


@pytest.mark.parametrize("of", ["records", "problems"])
def test_every_field_can_be_asked_and_shown(store, of):
    fields = OF_RECORDS if of == "records" else OF_PROBLEMS
    ids: list[str] = []
    answered(store)
    for name in fields:
        recipe = Recipe(of=of, run="answers", where=f"{name} is known or {name} is unknown")
        ids = choose.choice(store, recipe).ids
        assert ids
    recipe = choose.resolve(store, Recipe(of=of))
    rows = choose.page(store, recipe, ids, 1, 3)
    assert rows.height == 3
    assert isinstance(rows, pl.DataFrame)


def test_a_list_of_versions_counts_their_rows(store):
    mine = Recipe(sources=("mine",))
    choose.save(store, "all", mine, "Ann")
    choose.save(store, "two", replace(mine, sample=2), "Ann")
    assert {one.label: one.n for one in subsets(store)} == {"all@1": 6, "two@1": 2}
    assert subset(store, "two").n == len(subset(store, "two").ids) == 2


def test_of_one_subset_the_ids_of_no_other_are_read(store, monkeypatch):
    annotations.save_subset(store, "large", "{}", [f"id-{n}" for n in range(50)])
    for version in range(3):
        annotations.save_subset(store, "small", "{}", [f"id-{n}" for n in range(version + 1)])
    decoded = []
    whole = json.loads
    monkeypatch.setattr(json, "loads", lambda text: decoded.append(len(text)) or whole(text))
    assert subset(store, "small").ids == ("id-0", "id-1", "id-2")
    assert subset(store, "small@2").ids == ("id-0", "id-1")
    assert max(decoded) < 40
    monkeypatch.undo()
    assert [one.label for one in subsets(store, "small")] == ["small@3", "small@2", "small@1"]
    with pytest.raises(ValueError, match=r"no version 4 of subset 'small'; there are: 3, 2, 1"):
        subset(store, "small@4")
