"""A person's own dialects: used beside the bundled ones, part of the converter's version."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.conversion.convert import Conversion, convert, converter_version
from data.conversion.dialects.table import BUNDLED, DialectTable, dialect_table, read_dialects
from data.errors import UserError
from tests.support.accounts import faults

TABLE = """
[dialect.mine]
thought_open = ["<<ponder>>"]
thought_close = ["<<done>>"]
rest_is_answer = true
"""
NO_RULES: frozenset[str] = frozenset()


def converted(text: str, table: DialectTable = BUNDLED) -> Conversion:
    return convert({"prompt": "q", "completion": text}, "completion", table)


def file_with(folder: Path, content: str) -> Path:
    path = folder / "own.toml"
    path.write_text(content)
    return path


def test_an_own_dialect_converts_and_so_do_the_bundled_ones(tmp_path):
    text = "<<ponder>>three and four<<done>>7"
    assert converted(text).reason == "no thinking"
    table = read_dialects(file_with(tmp_path, TABLE))
    conversion = converted(text, table)
    assert conversion.example
    assert conversion.dialect == "mine"
    assert conversion.example.reasoning.text == "three and four"
    assert converted("<think>a</think>7", table).dialect == "think"


def test_a_marker_of_an_own_dialect_is_residue_in_another_dialect(tmp_path):
    table = read_dialects(file_with(tmp_path, TABLE))
    assert converted("<think>a <<done>> b</think>7", table).reason == "residue of old markers"


def test_another_table_is_another_converter(tmp_path):
    first = converter_version(NO_RULES, read_dialects(file_with(tmp_path, TABLE)))
    changed = file_with(tmp_path, TABLE.replace("done", "over"))
    bundled = converter_version(NO_RULES)
    assert len({bundled, first, converter_version(NO_RULES, read_dialects(changed))}) == 3
    assert first.startswith(f"{bundled}+dialects-")


def test_the_version_of_a_table_is_that_of_stores_written_before():
    rows = {"thought_open": ["<<go>>"], "thought_close": ["<<stop>>"], "rest_is_answer": True}
    assert dialect_table({"mine": rows}, "a test").version == "dialects-8c8d87ea"
    two = {
        "b": {"thought_open": ["<b>"], "opener_may_be_missing": True},
        "a": {"thought_open": ["<a>"], "thought_close": ["</a>", "x"], "answer_open": ["q"]},
    }
    assert dialect_table(two, "a test").version == "dialects-aa09ea37"
    assert BUNDLED.version == ""


def test_a_table_comes_back_from_its_rows_and_from_another_process(tmp_path):
    table = read_dialects(file_with(tmp_path, TABLE))
    assert dialect_table(json.loads(json.dumps(table.own_rows)), "a test") == table
    assert pickle.loads(pickle.dumps(table)) == table
    assert BUNDLED.own_rows == {}


def test_two_threads_convert_with_two_tables_at_once():
    markers = [(f"<<{name}>>", f"<<end {name}>>") for name in ("first", "second")]
    tables = [
        dialect_table(
            {"mine": {"thought_open": [a], "thought_close": [b], "rest_is_answer": True}}, "x"
        )
        for a, b in markers
    ]
    texts = [f"{a}three and four{b}7" for a, b in markers]

    def outcomes(index: int) -> list[tuple[str, str]]:
        own, other = texts[index], texts[1 - index]
        return [
            (converted(own, tables[index]).outcome, converted(other, tables[index]).outcome)
            for _ in range(300)
        ]

    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(outcomes, (0, 1)):
            assert set(result) == {("example", "quarantined")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "is no TOML file"),
        ("", "has no table"),
        ("dialect = 3", "has no table"),
        ("dialect = 'x'", "has no table"),
        ("[[dialect]]\nthought_open = ['y']", "has no table"),
        ("[dialect.x]\nthought_close = ['y']", "has no thought_open"),
        ("[dialect.think]\nthought_open = ['y']", "name of a bundled dialect"),
        ("[dialect.x]\nthought_open = ['y']\nopens = ['z']", "has opens; expected"),
        ("[dialect.x]\nthought_open = ['y']\nname = 'z'", "has name; expected"),
        ("[dialect.x]\nthought_open = ['']", "none of them empty"),
        ("[dialect.x]\nthought_open = 'y'", "a list of texts"),
        ("[dialect.x]\nthought_open = ['y']\nrest_is_answer = 1", "true or false"),
    ],
)
def test_an_invalid_table_is_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_dialects(file_with(tmp_path, content))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        read_dialects(tmp_path / "nowhere.toml")


def test_without_a_file_only_the_bundled_dialects_count():
    assert read_dialects(None) is BUNDLED


def test_where_both_have_a_marker_the_own_dialect_counts(tmp_path):
    text = "three and four <answer>7</answer>"
    assert converted(text).dialect == "reasoning"
    own = """
    [dialect.bare]
    thought_open = ["<bare>"]
    answer_open = ["<answer>"]
    answer_close = ["</answer>"]
    opener_may_be_missing = true
    answer_ends_thought = true
    """
    conversion = converted(text, read_dialects(file_with(tmp_path, own)))
    assert (conversion.dialect, conversion.reason) == ("bare", None)
    assert conversion.example
    assert conversion.example.reasoning.text == "three and four"
    assert conversion.example.answer.text == "7"


BEGIN, END = "<|begin_of_thought|>", "<|end_of_thought|>"
MARKERS = {
    "the same four": (BEGIN, END, "<|begin_of_solution|>", "<|end_of_solution|>"),
    "thought of another": (BEGIN, END, "<ans>", "</ans>"),
    "longer than another": (f"{BEGIN}\n", f"{END}\n", "<ans>", "</ans>"),
    "one for two": ("%%", "%%", "@@", "@@"),
    "within another": ("<|begin", END, "<ans>", "</ans>"),
    "of its own": ("<<go>>", "<<stop>>", "<ans>", "</ans>"),
}
TEXTS = ("{}\nI add.\n{}\n{}\n3\n{}", "{}\n\nI add.\n\n{}\n\n{}\n\n3\n\n{}", "{}I{}{}3{}")


@pytest.mark.parametrize("markers", MARKERS.values(), ids=list(MARKERS))
def test_with_own_markers_that_overlap_others_nothing_is_invented_and_nothing_is_lost(markers):
    columns = ("thought_open", "thought_close", "answer_open", "answer_close")
    row = {column: [marker] for column, marker in zip(columns, markers, strict=True)}
    table = dialect_table({"mine": row}, "a test")
    for text in (text.format(*row_markers) for text in TEXTS for row_markers in MARKERS.values()):
        record = {"prompt": "q", "completion": text}
        assert faults(record, convert(record, "completion", table), table) == []


def test_a_text_of_an_own_dialect_is_converted_by_it():
    opened, closed, answer, end = MARKERS["of its own"]
    row = {"thought_open": [opened], "thought_close": [closed], "answer_open": [answer]}
    table = dialect_table({"mine": row | {"answer_close": [end]}}, "a test")
    for text in TEXTS:
        conversion = converted(text.format(*MARKERS["of its own"]), table)
        assert (conversion.outcome, conversion.dialect) == ("example", "mine")
