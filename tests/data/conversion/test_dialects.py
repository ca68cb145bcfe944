"""Dialects of one's own: taken beside the bundled ones, in the converter's name, or refused."""

import pytest

from data.conversion import dialects
from data.conversion.convert import convert, converter
from data.errors import UserError

TABLE = """
[dialect.mine]
thought_open = ["<<ponder>>"]
thought_close = ["<<done>>"]
rest_is_answer = true
"""


@pytest.fixture(autouse=True)
def bundled_again():
    """Only the bundled dialects, before and after."""
    yield
    dialects.use(None)


def of(text: str):
    return convert("completion", {"prompt": "q", "completion": text})


def table(tmp_path, content):
    path = tmp_path / "own.toml"
    path.write_text(content)
    return path


def test_a_dialect_of_ones_own_converts_and_so_do_the_bundled_ones(tmp_path):
    text = "<<ponder>>three and four<<done>>7"
    assert of(text).reason == "no thinking"
    dialects.use(table(tmp_path, TABLE))
    made = of(text)
    assert made.example
    assert (made.dialect, made.example.reasoning.text) == ("mine", "three and four")
    assert of("<think>a</think>7").dialect == "think"


def test_a_marker_of_ones_own_is_residue_in_another_dialect(tmp_path):
    dialects.use(table(tmp_path, TABLE))
    assert of("<think>a <<done>> b</think>7").reason == "residue of old markers"


def test_another_table_is_another_converter(tmp_path):
    before = converter(frozenset())
    dialects.use(table(tmp_path, TABLE))
    first = converter(frozenset())
    dialects.use(table(tmp_path, TABLE.replace("done", "over")))
    assert len({before, first, converter(frozenset())}) == 3
    assert first.startswith(f"{before}+dialects-")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nonsense", "is no TOML file"),
        ("", "has no table"),
        ("dialect = 3", "has no table"),
        ("dialect = 'x'", "has no table"),
        ("[[dialect]]\nthought_open = ['y']", "has no table"),
        ("[dialect.x]\nthought_close = ['y']", "has no thought_open"),
        ("[dialect.think]\nthought_open = ['y']", "name of a bundled dialect"),
        ("[dialect.x]\nthought_open = ['y']\nopens = ['z']", "has opens; expected"),
        ("[dialect.x]\nthought_open = ['']", "none empty"),
        ("[dialect.x]\nthought_open = 'y'", "a list of texts"),
        ("[dialect.x]\nthought_open = ['y']\nrest_is_answer = 1", "true or false"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_and_changes_nothing(tmp_path, content, said):
    before = converter(frozenset())
    with pytest.raises(UserError, match=said):
        dialects.use(table(tmp_path, content))
    assert converter(frozenset()) == before


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        dialects.use(tmp_path / "nowhere.toml")


def test_without_a_table_only_the_bundled_dialects_count_again(tmp_path):
    before = converter(frozenset())
    dialects.use(table(tmp_path, TABLE))
    dialects.use(None)
    assert converter(frozenset()) == before
    assert of("<<ponder>>three and four<<done>>7").reason == "no thinking"


def test_where_both_have_a_marker_ones_own_dialect_counts(tmp_path):
    text = "three and four <answer>7</answer>"
    assert of(text).dialect == "reasoning"
    own = """
    [dialect.bare]
    thought_open = ["<bare>"]
    answer_open = ["<answer>"]
    answer_close = ["</answer>"]
    opener_may_be_missing = true
    answer_ends_thought = true
    """
    dialects.use(table(tmp_path, own))
    made = of(text)
    assert (made.dialect, made.reason) == ("bare", None)
    assert made.example
    assert (made.example.reasoning.text, made.example.answer.text) == ("three and four", "7")
