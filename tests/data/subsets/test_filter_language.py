"""The filter language: what it keeps, where its errors point, and that values stay values."""

import duckdb
import pytest

from data.subsets.filter_language import DEEPEST, LONGEST, Field, FilterError, condition

FIELDS = {
    "id": Field("id", "number"),
    "rate": Field("rate", "number"),
    "source": Field("source"),
    "tag": Field("tag", "set"),
}
ROWS = """(values
    (1, 0.0, 'a', ['easy', 'Short one']), (2, 0.5, 'b'' or 1=1', []), (3, null, 'C', null)
) as t(id, rate, source, tag)"""


def matching(text: str) -> list[int]:
    where, values = condition(text, FIELDS)
    query = f"select id from {ROWS} where {where} order by id"
    return [row[0] for row in duckdb.connect().execute(query, values).fetchall()]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [1, 2, 3]),
        ("0 < rate < 1", [2]),
        ("0 <= rate", [1, 2]),
        ("not rate = 0", [2]),
        ("rate is unknown or id = 1", [1, 3]),
        ("rate is known and not (id in (1, 3))", [2]),
        ("source in (a, C)", [1, 3]),
        ('source contains "c"', [3]),
        ('source = "b\' or 1=1"', [2]),
        ('source = "x\') or true --"', []),
        ("source = 'a'", [1]),
        ("source != 'a'", [2, 3]),
        ("source in ('a', \"C\")", [1, 3]),
        ("source = 'b\\' or 1=1'", [2]),
        ("source = '\"'", []),
        ("tag = 'easy'", [1]),
        ("tag contains it's", []),
        ("tag = easy", [1]),
        ("tag != easy", [2]),
        ("not tag = easy", [2]),
        ("tag in (hard, easy)", [1]),
        ('tag contains "SHORT"', [1]),
        ("tag is unknown", [3]),
    ],
)
def test_a_filter_keeps_the_rows_it_says(text, ids):
    assert matching(text) == ids


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("sorce = a", 0, "the fields are id, rate, source, tag"),
        ("id = a", 5, "expected a number"),
        ('source = "a', 9, "close quotes"),
        ("source = 'a", 9, "close quotes"),
        ("source = a'b' 'c'", 14, "expected and, or, or the end"),
        ("id = 1; drop table t", 5, "expected a number"),
        ("(id = 1", 7, "expected \\)"),
        ("id = 1 id = 2", 7, "expected and, or, or the end"),
        ("tag < easy", 4, "expected = or != or in"),
        ("easy < tag", 7, "holds several values"),
        ("a" * (LONGEST + 1), LONGEST, "at most"),
        ("(" * (DEEPEST + 2) + "id = 1", DEEPEST + 1, "nested deeper"),
    ],
)
def test_an_error_points_at_its_place(text, position, words):
    with pytest.raises(FilterError, match=words) as error:
        condition(text, FIELDS)
    assert error.value.position == position
