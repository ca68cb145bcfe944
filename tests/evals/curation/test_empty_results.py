"""Where a recipe chooses no row, the advice names what was never counted and what counts it."""

import shutil

import pytest

from data.store import BadEntry
from data.store.store import add, ask, open_store
from data.subsets.recipe import Recipe
from evals.curation import choose
from tests.support.small_sources import with_records, with_sums
from tests.support.store_rows import rows_of

COMPLETION = "<reasoning>so it is</reasoning>\n<answer>{}</answer>"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    rows = [{"prompt": f"{i}?", "completion": COMPLETION.format(i)} for i in range(3)]
    folder = tmp_path_factory.mktemp("empty")
    return with_sums(with_records(open_store(folder / "store"), folder, rows), folder)


@pytest.fixture
def store(converted, tmp_path):
    shutil.copytree(converted.folder, tmp_path / "store")
    return open_store(tmp_path / "store")


def count(store, tokenizer: str) -> None:
    examples = ask(store, "select * from examples where source = 'mine'")
    n = examples.height
    same = {name: examples[name].to_list() for name in ("example_id", "record_id", "converter")}
    lengths = {name: [10] * n for name in ("prompt", "reasoning", "answer", "answer_end")}
    rows = rows_of("tokens", **same, **lengths, source=["mine"] * n, tokenizer=[tokenizer] * n)
    add(store, "tokens", rows, run="counted")


@pytest.mark.parametrize(
    "recipe",
    [
        {"where": "completion_tokens <= 700"},
        {"where": "source = mine and not completion_tokens > 700"},
        {"where": "tokens > 0 and row < 100"},
        {"where": "2 < tokens < 700"},
        {"tokens": 1_000},
    ],
)
def test_tokens_that_nobody_counted_are_named_with_the_command_that_counts_them(store, recipe):
    words = r"would be empty .*tokens of mine are not counted.* thinkbench audit mine --model tiny$"
    with pytest.raises(BadEntry, match=words):
        choose.save(store, "few", Recipe(sources=("mine",), **recipe), "Ann")


def test_counts_of_another_tokenizer_are_none(store):
    count(store, "words")
    recipe = Recipe(sources=("mine",), tokenizer="letters", where="tokens < 100")
    assert "not counted by letters" in choose.advice(store, recipe)


def test_where_tokens_are_counted_the_filter_is_to_be_widened(store):
    count(store, "words")
    recipe = Recipe(sources=("mine",), where="completion_tokens <= 3")
    assert choose.advice(store, recipe) == "Widen its filter."


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"where": "row > 1000"}, "Widen its filter."),
        ({"where": "ruling = released"}, "No row has a value of ruling"),
        ({"of": "problems", "where": "steps > 3"}, "No row has a value of steps"),
        ({"of": "problems", "where": "question_chars > 1000"}, "Widen its filter."),
    ],
)
def test_other_filters_that_fit_nothing_are_told_apart(store, recipe, words):
    assert choose.advice(store, Recipe(**recipe)).startswith(words)
