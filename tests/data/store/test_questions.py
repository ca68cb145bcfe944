"""No statement reads raw rows of a table whose repeated rows a view removes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT

# a row of these may be stored twice; the views of data/store/views.py have it once
REPEATED = ("records", "conversions", "examples", "tokens", "problems", "scores")
READS = re.compile(rf"\b(?:from|join)\s+({'|'.join(REPEATED)})\b(?!\s*\.)")
# a set of values is the same whether or not a row is stored twice, and so is whether one is there
SETS = re.compile(
    rf"\bselect\s+distinct\s+(?!on\b)[\w\s,.()]+?\s+from\s+({'|'.join(REPEATED)})\b"
    rf"|\bin\s*\(\s*select\s+[\w.]+\s+from\s+({'|'.join(REPEATED)})\b"
    rf"|\b(?:(?:except|intersect|union)\s+select\s+[\w.]+|select\s+1)\s+from\s+({'|'.join(REPEATED)})\b"
)
WINDOW = re.compile(r"partition\s+by\s+(?:\w+\.)?(?:record_id|generation_id|example_id)\b")
# file -> tables that it reads raw, for a reason
RAW = {
    "data/sources/ingest.py": {"records"},  # which ids are stored; it makes a set of them
    "evals/audit/verify.py": {"problems", "scores"},  # its subject: what is stored twice
    "evals/imports/problems.py": {"problems"},  # all rows: it looks for conflicts among them
    "evals/audit/token_budget.py": {"tokens"},  # which tokenizers there are
}
# tables of the same names in a DuckDB of their own
OWN_TABLES = ("workbench/app/browse/",)


def statements(source: str) -> list[str]:
    """The strings of a module that are SQL; in f-strings a value is `?`."""
    texts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else " ? " for p in node.values)
            texts.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return [re.sub(r"--.*", "", text) for text in texts]


def raw_tables(source: str) -> set[str]:
    """The tables of REPEATED that statements of a module read other than as a set of values."""
    return {
        table
        for text in statements(source)
        if re.search(r"\bselect\b|^\s*from\b", text)
        for table in READS.findall(SETS.sub("", text))
    }


def own_windows(source: str) -> list[str]:
    return [match for text in statements(source) for match in WINDOW.findall(text)]


@cache
def modules() -> dict[str, str]:
    floors = ("data", "evals", "pipeline", "workbench")
    files = [file for floor in floors for file in sorted((ROOT / floor).rglob("*.py"))]
    texts = {str(file.relative_to(ROOT)): Path(file).read_text(encoding="utf-8") for file in files}
    return {
        name: text
        for name, text in texts.items()
        if not name.startswith((*OWN_TABLES, "data/store/"))
    }


def test_only_the_views_read_tables_whose_rows_may_be_stored_twice():
    raw = {name: tables for name, text in modules().items() if (tables := raw_tables(text))}
    assert raw == RAW


def test_only_the_views_choose_among_repeated_rows():
    assert [name for name, text in modules().items() if own_windows(text)] == []


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("select count(*) from scores where run = $run", {"scores"}),
        ("select c.reason from conversions c join records r using (record_id)",
         {"conversions", "records"}),
        ("with x as (\n    select record_id, body\n    from records\n) from x", {"records"}),
        ("from examples where converter = $converter", {"examples"}),
        ("select distinct on (record_id) * from records", {"records"}),
        ("select distinct source from records order by source", set()),
        ("select distinct unnest(defects).phrase as phrase from conversions", set()),
        ("from x where record_id not in (select record_id from records where split = 'a')", set()),
        ("select run from runs except select run from scores", set()),
        ("select 1 from records where source = $source limit 1", set()),
        ("select run from runs union all select run from scores", {"scores"}),
        ("select count(*) from source_records join record_examples using (record_id)", set()),
        ("A sentence that reads from records is no question.", set()),
        ("select 1 -- from records", set()),
    ],
)  # fmt: skip
def test_a_raw_read_is_seen_and_a_view_or_a_set_of_values_is_none(statement, tables):
    assert raw_tables(f"ask(store, {statement!r})") == tables


def test_a_choice_among_repeated_rows_is_seen():
    query = "from a qualify row_number() over (partition by a.record_id order by run) = 1"
    assert own_windows(f"x = f{query!r}")
    assert not own_windows("x = 'from a qualify rank() over (partition by problem_id) = 1'")
