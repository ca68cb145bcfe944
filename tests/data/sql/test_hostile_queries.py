"""A query of a user reads the tables that it names, and nothing else of the machine."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import duckdb
import pytest

from data.errors import UserError
from data.sql import read_only
from data.sql.locked_database import locked_database
from data.sql.names import columns_by_name
from data.sql.read_only import answer_query
from data.store.store import add, ask
from tests import ROOT
from tests.support.store_rows import rows_of

REFUSED_BY_DATABASE = (
    "from read_text('{secret}')",
    "from read_csv('{secret}')",
    "from '{secret}'",
    "from read_blob('{folder}/*')",
    "from glob('{folder}/*')",
    "from read_parquet('{other}')",
    "from parquet_schema('{other}')",
    "from sniff_csv('{secret}')",
    "from read_json('http://localhost:1/x')",
    "from query('select * from read_text(''{secret}'')')",
    "with a as (from read_text('{secret}')) from a",
    "select (select content from read_text('{secret}'))",
    "from duckdb_secrets()",
    "select getenv('HOME')",
    "from secret",  # a variable of the process
    "from enable_logging()",
    "from sqlite_scan('{folder}/state.db', 'meta')",
)
NO_SELECT = (
    "copy problems to '{folder}/copy.parquet'",
    "copy (select 1) to '{folder}/copy.csv'",
    "attach '{folder}/new.db'",
    "create table t as select 1",
    "create or replace view problems as select 1",
    "drop view problems",
    "insert into problems values (1)",
    "set enable_external_access = true",
    "reset lock_configuration",
    "install httpfs",
    "load sqlite",
    "pragma database_list",
    "call pragma_version()",
    "export database '{folder}/export'",
    "checkpoint",
    "select 1; drop view problems",
    "select 1; select 2",
    "",
)


@pytest.fixture
def filled(store):
    add(store, "problems", rows_of("problems", problem_id=["p", "q"], gold=["1", "2"]), run="r")
    return store


def empty(folder: Path) -> Path:
    spilled = folder / "spilled"
    spilled.mkdir()
    return spilled


def prepared(store, tmp_path, query: str) -> str:
    """The query with paths of a secret, of the store, and of a part that it does not name."""
    secret = tmp_path / "secret.txt"
    secret.write_text("a,b\n1,2\n")
    other = add(store, "metrics", rows_of("metrics", step=[1], name=["a"], value=[1.0]), run="r")
    names = {"{secret}": secret, "{folder}": store.folder, "{other}": store.folder / other}
    for name, path in names.items():
        query = query.replace(name, str(path))
    return query


@pytest.mark.parametrize("query", REFUSED_BY_DATABASE)
def test_a_query_cannot_reach_files_network_or_variables(filled, tmp_path, query):
    query = prepared(filled, tmp_path, query)
    secret = ask(filled, "select 1")  # noqa: F841
    with locked_database(filled, query, "200MB", empty(tmp_path)) as connection:  # noqa: SIM117
        with pytest.raises(duckdb.Error) as error:
            connection.sql(query).fetchall()
    assert isinstance(
        error.value,
        duckdb.PermissionException | duckdb.CatalogException | duckdb.InvalidInputException
        | duckdb.BinderException,
    ) or "install" in str(error.value)  # fmt: skip


@pytest.mark.parametrize("query", NO_SELECT)
def test_a_statement_that_is_no_single_select_is_refused(filled, tmp_path, query):
    query = prepared(filled, tmp_path, query)
    before = sorted(path for path in filled.folder.rglob("*") if path.suffix != ".db-wal")
    with pytest.raises(UserError, match=r"no single select|statements\. Expected one"):  # noqa: SIM117
        with locked_database(filled, query, "200MB", empty(tmp_path)):
            pass
    assert sorted(p for p in filled.folder.rglob("*") if p.suffix != ".db-wal") == before


def test_a_query_answers_with_columns_types_rows_and_whether_there_are_more(filled):
    query = "select problem_id, gold, 0/0 as nothing from current_problems -- a comment"
    value = answer_query(filled.folder, f"{query} order by 1", rows=1)
    assert value["columns"] == ["problem_id", "gold", "nothing"]
    assert (value["types"][0], value["truncated"]) == ("VARCHAR", True)


def test_a_query_that_takes_too_long_or_too_much_is_ended(filled):
    endless = "with recursive r as (select 1 as n union all select n + 1 from r) from r"
    with pytest.raises(UserError, match="took longer than 1 seconds"):
        answer_query(filled.folder, f"select count(*) from ({endless})", seconds=1.0)
    with pytest.raises(UserError, match=r"ended without an answer|memory"):
        answer_query(filled.folder, "select length(repeat('x', 3000000000))")


def test_a_file_in_the_temporary_folder_of_the_machine_stays_closed(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "secret.txt").write_text("a")
    for path in (tmp_path / "secret.txt", tmp_path / "*", tmp_path / "*" / "*"):
        with pytest.raises(UserError, match="Permission Error"):
            answer_query(filled.folder, f"from read_text('{path}')")


def test_what_a_query_spilled_is_removed_when_it_is_killed(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(read_only, "MEMORY", "60MB")
    sorting = "select hash(range) as a, hash(range + 1) as b from range(100000000) order by all"
    query = f"select * from ({sorting}) offset 1000000"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(answer_query, filled.folder, query, seconds=4.0)
        while not answer.done() and not list(tmp_path.glob("thinkbench-sql-*/*")):
            sleep(0.02)
        assert not answer.done()
        with pytest.raises(UserError, match="took longer"):
            answer.result()
    assert sorted(tmp_path.iterdir()) == before


VALUES = {
    "select 1; -- done": [1],
    "select 'é;' ; /* ; */ ;": ["é;"],
    "select sum(n) from (values (116938), (1)) t(n)": [116939],
    "select 'infinity'::timestamp, '20000-01-01'::date": ["infinity", "20000-01-01"],
    "select ['-infinity'::date], {a: timestamptz '2026-01-01'}": [
        ["-infinity"], {"a": "2026-01-01 00:00:00+00"}
    ],
    "select interval '10000000 years', 'inf'::double": ["10000000 years", None],
}  # fmt: skip


@pytest.mark.parametrize("query", VALUES)
def test_every_value_has_a_place_in_json(filled, query):
    assert answer_query(filled.folder, query)["rows"] == [VALUES[query]]


def test_the_documents_name_every_table_and_view():
    text = (ROOT / "docs/sql.md").read_text()
    assert [name for name in columns_by_name() if f"`{name}`" not in text] == []
