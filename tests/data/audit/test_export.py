"""The audit as files: every row once, and a page in which no text of the data is markup."""

import json
import shutil

import polars as pl
import pytest

from data.audit import export, html, quarantine
from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.ingest import ingest
from data.sources.samples import damaged_records
from data.store.store import open_store

EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A store of 120 rows, which the tests read; who writes takes a copy."""
    folder = tmp_path_factory.mktemp("converted")
    store = open_store(folder / "store")
    rows = damaged_records.stratos_rows(120, seed=5)
    rows[0]["conversations"][1]["value"] = f"{EVIL} no markers at all"
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "mine", path, "stratos")
    convert_source(store, "mine")
    return store


@pytest.fixture(scope="module")
def exported(converted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "out"
    export.export(converted, "mine", folder)
    return folder


def test_both_files_hold_every_row_once_and_say_the_same(converted, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "AT_A_TIME", 50)
    written = export.export(converted, "mine", tmp_path / "out")
    frame = pl.read_parquet(tmp_path / "out" / export.PARQUET)
    lines = (tmp_path / "out" / export.JSONL).read_text().splitlines()
    assert written["rows"] == frame.height == len(lines) == frame["record_id"].n_unique() == 120
    assert frame["row_number"].to_list() == list(range(120))
    for row, line in zip(frame.iter_rows(named=True), lines, strict=True):
        assert json.loads(line) == row


def test_reasoning_and_answer_are_found_again_by_their_spans(exported):
    examples = pl.read_parquet(exported / export.PARQUET).filter(outcome="example")
    assert examples.height > 60
    for row in examples.iter_rows(named=True):
        text = html.fields_of(row["shape"], row["body"])["completion"]
        assert text[row["reasoning_start"] : row["reasoning_end"]] == row["reasoning"]
        assert text[row["answer_start"] : row["answer_end"]] == row["answer"]


def test_the_page_needs_nothing_else_and_escapes_every_text(exported):
    page = (exported / export.REPORT).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not any(word in page for word in ("http://", "https://", "src=", "<link"))


def test_the_span_is_marked_and_the_text_around_it_cut():
    text = "a" * 500 + "<x>" + "b" * 500
    assert html.excerpt(text, 500, 503, 10) == (f"…{'a' * 10}", "<x>", f"{'b' * 10}…")
    assert html.excerpt("abc", 1, 1, 10) == ("a", "\u200b", "bc")


def test_the_excerpts_of_a_defect_are_marked_on_the_page(exported):
    page = (exported / export.REPORT).read_text()
    assert "<mark>&lt;|begin_of_" in page
    assert page.count("<mark>") == page.count("</mark>") > 10


def test_a_folder_that_exists_is_refused(converted, tmp_path):
    with pytest.raises(UserError, match="name another folder"):
        export.export(converted, "mine", tmp_path)


@pytest.mark.parametrize("what", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_export_that_is_broken_off_leaves_nothing_and_can_be_made_again(
    converted, tmp_path, monkeypatch, what
):
    def stop(*given):
        raise what

    with monkeypatch.context() as patch:
        patch.setattr(html, "page", stop)
        with pytest.raises(type(what)):
            export.export(converted, "mine", tmp_path / "new" / "out")
    assert list((tmp_path / "new").iterdir()) == []
    assert export.export(converted, "mine", tmp_path / "new" / "out")["rows"] == 120


def test_a_disk_that_fills_up_is_named(converted, tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="No space") as raised:
        export.export(converted, "mine", tmp_path / "new" / "out")
    assert raised.value.filename == str(tmp_path / "new")


@pytest.fixture
def own(converted, tmp_path):
    """A copy of `converted` to write to."""
    shutil.copytree(converted.folder, tmp_path / "store")
    return open_store(tmp_path / "store")


def test_all_files_of_an_export_are_of_one_moment(own, exported, tmp_path, monkeypatch):
    path = tmp_path / "more.jsonl"
    path.write_text(json.dumps(damaged_records.stratos_rows(1, seed=6)[0]))
    write = export._write_rows

    def then_more(pages, folder):
        rows = write(pages, folder)
        ingest(own, "mine", path, "stratos")
        convert_source(own, "mine")
        return rows

    monkeypatch.setattr(export, "_write_rows", then_more)
    assert export.export(own, "mine", tmp_path / "out")["rows"] == 120
    pages = [(folder / export.REPORT).read_text() for folder in (tmp_path / "out", exported)]
    assert pages[0] == pages[1]


def test_what_a_person_said_of_a_row_is_in_both_files(own, exported, tmp_path):
    record = pl.read_parquet(exported / export.PARQUET)["record_id"][3]
    quarantine.quarantine(own, record, "a wrong sum", "ana")
    export.export(own, "mine", tmp_path / "after")
    ruled = pl.read_parquet(tmp_path / "after" / export.PARQUET).drop_nulls("ruling")
    assert ruled.select("record_id", "ruling", "ruled_by", "ruled_because").rows() == [
        (record, "quarantined", "ana", "a wrong sum")
    ]
