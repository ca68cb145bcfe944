"""A filter that fits nothing because of a value that no row has says so, with the nearest ones."""

import json

import pytest

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store.store import ask, open_store
from data.subsets import select
from data.subsets.fields import FIELDS
from data.subsets.recipe import Recipe
from data.subsets.select import NoSuchValue
from evals.curation import choose
from evals.curation.problem_fields import FIELDS as PROBLEM_FIELDS


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("missing")
    store = open_store(folder / "store")
    long = "five is the sum " * 20
    lines = [{"prompt": "2+3?", "completion": f"<think>so</think>{long}"}]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ingest(store, "my-sums", folder / "rows.jsonl", "completion")
    convert_source(store, "my-sums")
    return store


@pytest.mark.parametrize(
    ("where", "nearest"),
    [
        ("source = my-sum", "my-sums"),
        ("source in (mysums)", "my-sums"),
        ("split = trian", "train"),
        ('defect = "repetition lop"', "repetition loop"),
        ("shape = completions and row > 1", "completion"),
        ("severity = errors", "error"),
        ("source != my-sum", "my-sums"),
        ("not source in (my-sum, other)", "my-sums"),
        ("not source = my-sum", "my-sums"),
        ("not (row > 5 or split = trian)", "train"),
        ("row < 5 and not (source != my-sums or not split != trian)", "train"),
        ("split = train and severity != errors", "error"),
        ("shape != completions", "completion"),
        ('defect != "repetition lop"', "repetition loop"),
    ],
)
def test_a_misspelt_value_is_named_with_the_nearest(store, where, nearest):
    with pytest.raises(NoSuchValue, match=nearest):
        choose.choice(store, Recipe(where=where))


def test_texts_of_rows_are_not_read_for_that(store, monkeypatch):
    statements = []

    def listening(store, sql, **values):
        statements.append(sql)
        return ask(store, sql, **values)

    monkeypatch.setattr(select, "ask", listening)
    where = 'prompt = "2+4?" or reasoning = sow or answer in (six, seven) or source = my-sum'
    with pytest.raises(NoSuchValue, match="source = 'my-sum'"):
        choose.choice(store, Recipe(where=where))
    listed = [sql for sql in statements if "select distinct" in sql]
    assert len(listed) == 1
    choose.choice(store, Recipe(where='prompt = "2+4?"'))  # an empty result
    assert [sql for sql in statements if "select distinct" in sql] == listed


def test_every_text_of_a_row_is_marked_as_long():
    long = {name for fields in (FIELDS, PROBLEM_FIELDS) for name, of in fields.items() if of.long}
    assert long == {"prompt", "reasoning", "answer", "question", "gold"}


@pytest.mark.parametrize(
    "where",
    [
        "row > 100000",
        "source = my-sums and row > 100000",
        "not split = train",
        "source != other",
        "source = my-sums or source = my-sum",
        "not source != my-sums",
        'defect != "some other"',
        'prompt != "2+4?"',
    ],
)
def test_an_empty_result_of_existing_values_and_of_negations_is_a_result(store, where):
    choose.choice(store, Recipe(where=where))
