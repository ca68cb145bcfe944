"""Plain rows by columns, and all others by `convert`: on every row the two say the same."""

import json

import polars as pl
import pytest
from hypothesis import given, settings, strategies as some

from data.conversion import dialects, loops
from data.conversion.convert import RULES, convert
from data.conversion.convert_many import CONVERTED, as_row, convert_many, turns_of
from data.conversion.plain import plain
from data.sources.samples import damaged_records
from tests.support.rows import ROWS, stratos


def one_by_one(shape: str, rows: list[dict], rules: frozenset[str]) -> pl.DataFrame:
    made = [as_row(place, convert(shape, row, rules)) for place, row in enumerate(rows)]
    return pl.DataFrame(made, schema=CONVERTED)


def agree(shape: str, rows: list[dict], rules: frozenset[str]) -> None:
    expected = one_by_one(shape, rows, rules).to_dicts()
    assert convert_many(shape, rows, rules).to_dicts() == expected


@settings(max_examples=300, deadline=None)
@given(
    some.lists(ROWS, max_size=8),
    some.one_of(some.just(frozenset()), some.frozensets(some.sampled_from(sorted(RULES)))),
)
def test_by_columns_or_one_by_one_every_row_is_converted_the_same(rows, rules):
    agree("stratos", [stratos(row) for row in rows], rules)
    agree("completion", rows, rules)


@pytest.mark.parametrize("rules", [frozenset(), frozenset({"answer-from-box"})], ids=len)
def test_the_samples_are_converted_the_same_and_most_of_them_are_plain(rules):
    rows = damaged_records.stratos_rows(1_000, seed=3)
    agree("stratos", rows, rules)
    said = [turns_of("stratos", row) for row in rows]
    assert plain(said, rules).height > 800


def test_rows_of_no_shape_and_of_gsm8k_have_their_place(tmp_path):
    rows = [{"prompt": "q"}, {"prompt": "q", "completion": "<think>a</think>7"}, {"completion": 7}]
    agree("completion", rows, frozenset())
    agree("gsm8k", [{"question": "1?", "answer": "1 = 1\n#### 1"}, {"answer": "1"}], frozenset())
    assert convert_many("completion", [], frozenset()).is_empty()


LOOPING = (
    "ab ",
    "7 " * 30,
    "4\n" * 12,
    "\n",
    " \n",
    "go on and ",
    "x" * 90,
    "é",
    "\x1c",
    "a line of words\n",
)


@settings(max_examples=200, deadline=None)
@given(some.lists(some.sampled_from(LOOPING), max_size=60).map("".join))
def test_by_columns_no_text_that_may_loop_is_missed(text):
    texts = [text, text * 5, f"{text} "]
    found = loops.may_loop_each(pl.Series(texts)).to_list()
    assert [one for one, may in zip(texts, found, strict=True) if loops.may_loop(one) > may] == []


BEGIN, END = "<|begin_of_thought|>", "<|end_of_thought|>"
TABLES = {
    "the same four": (BEGIN, END, "<|begin_of_solution|>", "<|end_of_solution|>"),
    "thought of another": (BEGIN, END, "<ans>", "</ans>"),
    "longer than another": (f"{BEGIN}\n", f"{END}\n", "<ans>", "</ans>"),
    "one for two": ("%%", "%%", "@@", "@@"),
    "within another": ("<|begin", END, "<ans>", "</ans>"),
    "of its own": ("<<go>>", "<<stop>>", "<ans>", "</ans>"),
}


@pytest.mark.parametrize("four", TABLES.values(), ids=list(TABLES))
def test_with_a_dialect_of_ones_own_every_row_still_comes_out_once_and_the_same(tmp_path, four):
    names = ("thought_open", "thought_close", "answer_open", "answer_close")
    lines = [f"{name} = [{json.dumps(marker)}]" for name, marker in zip(names, four, strict=True)]
    table = tmp_path / "own.toml"
    table.write_text("\n".join(["[dialect.mine]", *lines]))
    texts = ["{}\nI add.\n{}\n{}\n3\n{}", "{}\n\nI add.\n\n{}\n\n{}\n\n3\n\n{}", "{}I{}{}3{}"]
    whole = [text.format(*markers) for text in texts for markers in TABLES.values()]
    dialects.use(table)
    try:
        agree("completion", [{"prompt": "q", "completion": text} for text in whole], frozenset())
    finally:
        dialects.use(None)
