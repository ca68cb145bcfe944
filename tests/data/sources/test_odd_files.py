"""Files from the wild: read whole, a row refused alone, or a file refused with a message."""

import csv
import json
import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.files import rows_of
from data.sources.formats.rows import Rejected, Row
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import ask
from tests.support.files import jsonl

ROWS = [{"question": f"{n}?", "answer": f"{n} = {n}\n#### {n}"} for n in range(3)]


def counts(result):
    return tuple(result[key] for key in ("read", "new", "in_store", "rejected"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", b"", "is empty"),
        ("rows.csv", b"", "is empty"),
        ("rows.jsonl", b'{"question": "\xff"}', "is not UTF-8: byte 14 \\(line 1\\) is 0xff"),
        ("rows.csv", b"question,reply\na,b\n", "lacks the column answer; found question, reply"),
        ("rows.jsonl", b'{"q": 1}', "lacks the column question, answer; found q"),
        ("rows.csv", b"question,answer\n", "holds no row"),
        ("rows.jsonl", b"not json\n", "holds no row"),
        ("rows.parquet", b"not parquet", "as a whole Parquet file"),
        ("rows.txt", b"hello", "expected one of .csv"),
    ],
)
def test_a_bad_file_is_refused_whole_with_what_was_found(store, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        ingest(store, "gsm8k", tmp_path / name)
    assert ask(store, "select count(*) as n from records")["n"].item() == 0


def test_an_unclosed_quote_is_refused_and_swallows_nothing(store, tmp_path):
    lines = [f'"{n}?","{n} #### {n}"' for n in range(100)]
    lines[40] = '"40?,"40 #### 40"'
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "\n".join(lines) + "\n")
    with pytest.raises(UserError, match="broken after line 41"):
        ingest(store, "gsm8k", path)
    path.write_text('question,answer\n"1?","1 #### 1\n"2?","2 #### 2"\n')
    with pytest.raises(UserError, match="every quote to be closed"):
        ingest(store, "gsm8k", path)


def test_a_column_that_comes_twice_is_refused(store, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer,answer\n1,2,3\n")
    with pytest.raises(UserError, match="answer twice"):
        ingest(store, "gsm8k", path)


def test_bytes_of_parquet_are_read_as_text_and_other_bytes_rejected(store, tmp_path):
    path = tmp_path / "rows.parquet"
    rows = {"question": [b"1?", b"\xff"], "answer": [b"1\n#### 1", b"2\n#### 2"]}
    pl.DataFrame(rows).write_parquet(path)
    assert counts(ingest(store, "gsm8k", path)) == (2, 1, 0, 1)
    convert_source(store, "gsm8k")
    assert ask(store, "select prompt from examples")["prompt"].to_list() == ["1?"]


def test_a_parquet_file_with_a_damaged_body_is_refused(store, tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame(ROWS * 500).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[40:200] = bytes(160)
    path.write_bytes(content)
    with pytest.raises(UserError, match="whole Parquet file"):
        ingest(store, "gsm8k", path)


@pytest.mark.parametrize(
    "line", ['{"question": "q \\ud800", "answer": "1"}', '{"question": 1' + "0" * 5_000 + "}"]
)
def test_a_line_that_cannot_be_stored_is_rejected(store, tmp_path, line):
    path = jsonl(tmp_path / "rows.jsonl", ROWS)
    path.write_text(path.read_text() + line + "\n")
    assert counts(ingest(store, "gsm8k", path)) == (4, 3, 0, 1)


def test_one_array_of_rows_is_read_like_lines(store, tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS, indent=2))
    assert counts(ingest(store, "gsm8k", path)) == (3, 3, 0, 0)
    path.write_text(json.dumps(ROWS)[:-5])
    with pytest.raises(UserError, match="begins as a JSON array"):
        ingest(store, "gsm8k", path)


@pytest.fixture
def short_fields(monkeypatch):
    """A csv field may hold 20 characters; csv's own limit is one of the whole process."""
    before = csv.field_size_limit()
    monkeypatch.setattr("data.sources.formats.csv.LARGEST_FIELD", 20)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("short_fields")
def test_a_field_beyond_the_limit_is_refused_with_the_line_before_it(store, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"question,answer\n1?,1 #### 1\n2?,{'2' * 21}\n")
    with pytest.raises(UserError, match="broken after line 2: field larger"):
        ingest(store, "gsm8k", path)


def test_a_line_of_many_brackets_is_a_row_or_rejected_but_no_bug(store, tmp_path):
    lines = [f'{{"question": "?", "answer": "1", "more": {"[" * n}{"]" * n}}}' for n in (600, 2000)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines))
    assert counts(ingest(store, "gsm8k", path)) == (2, 1, 0, 1)


def test_a_line_that_is_an_array_is_rejected_alone(store, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("[1]\n" + "".join(f"{json.dumps(row)}\n" for row in ROWS))
    assert counts(ingest(store, "gsm8k", path)) == (4, 3, 0, 1)


def test_a_file_without_a_row_says_what_is_wrong_with_its_first_line(store, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n[1]\n{\n")
    with pytest.raises(UserError, match="The first is number 2: no JSON object"):
        ingest(store, "gsm8k", path)


def test_parquet_rows_that_python_cannot_hold_are_rejected_alone(tmp_path):
    text = pa.array([b"1?", b"\xff", b"3?"])
    question = pa.StringArray.from_buffers(3, *text.buffers()[1:])
    date = pa.array([0, 0, 2**62], pa.timestamp("us"))
    maps = pa.array([[(b"name", b"value")]] * 3, pa.map_(pa.binary(), pa.binary()))
    pq.write_table(pa.table({"question": question, "date": date, "maps": maps}), tmp_path / "p")
    first, *parts = rows_of((tmp_path / "p").rename(tmp_path / "rows.parquet"), ("question",))
    assert isinstance(first, Row)
    assert first.values["maps"] == [["name", "value"]]
    assert [row.reason for row in parts if isinstance(row, Rejected)] == [
        "bytes that are no UTF-8",
        "a date outside the years 1 to 9999",
    ]


def test_a_column_that_comes_twice_in_parquet_is_refused(tmp_path):
    path, text = tmp_path / "rows.parquet", pa.array(["a"])
    pq.write_table(pa.Table.from_arrays([text] * 2, names=["question"] * 2), path)
    with pytest.raises(UserError, match="question twice"):
        list(rows_of(path, ("question",)))


def test_a_device_is_no_file_of_rows(store):
    with pytest.raises(UserError, match="/dev/null is a pipe or a device"):
        ingest(store, "gsm8k", Path("/dev/null"))


def test_what_a_folder_holds_beside_its_rows_is_named(store, tmp_path):
    (tmp_path / "rows" / "more").mkdir(parents=True)
    jsonl(tmp_path / "rows" / "rows.jsonl", ROWS)
    for name in ("rows.jsonl.gz", "notes.txt", ".hidden"):
        (tmp_path / "rows" / name).write_text("x")
    result = ingest(store, "gsm8k", tmp_path / "rows")
    assert result["skipped_files"] == ["more", "notes.txt", "rows.jsonl.gz"]


def test_a_file_name_that_is_no_utf_8_is_refused(store, tmp_path):
    jsonl(tmp_path / os.fsdecode(b"\xff.jsonl"), ROWS)
    with pytest.raises(UserError, match=r"udcff.*not UTF-8"):
        ingest(store, "gsm8k", tmp_path)


def test_a_line_with_a_key_twice_is_rejected_and_a_whole_array_refused(store, tmp_path):
    twice = '{"question": "a", "question": "b", "answer": "1\\n#### 1"}'
    path = jsonl(tmp_path / "rows.jsonl", ROWS)
    path.write_text(path.read_text() + twice + "\n")
    result = ingest(store, "gsm8k", path)
    assert counts(result) == (4, 3, 0, 1)
    assert "the key question twice" in Path(result["rejections"]).read_text()
    (tmp_path / "rows.json").write_text(f"[{twice}]")
    with pytest.raises(UserError, match="key question twice"):
        ingest(store, "gsm8k", tmp_path / "rows.json")


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_byte_that_is_no_utf_8_behind_many_rows_is_placed_and_nothing_is_written(
    store, tmp_path, suffix
):
    path = tmp_path / f"rows.{suffix}"
    pl.DataFrame(ROWS * 2_000).write_csv(path) if suffix == "csv" else jsonl(path, ROWS * 2_000)
    lines = path.read_bytes().count(b"\n")
    path.write_bytes(path.read_bytes() + b"ab\xff\n")
    with pytest.raises(UserError, match=rf"\(line {lines + 1}\) is 0xff"):
        ingest(store, "gsm8k", path)
    assert ask(store, "select * from records").is_empty()


def test_a_file_that_changes_while_it_is_read_is_refused(store, tmp_path, monkeypatch):
    path = jsonl(tmp_path / "rows.jsonl", ROWS)
    begin = runs.begin

    def changed(*arguments, **named):
        jsonl(path, [{"question": "other", "answer": "1\n#### 1"}])
        return begin(*arguments, **named)

    monkeypatch.setattr(runs, "begin", changed)
    with pytest.raises(UserError, match="changed while it was read"):
        ingest(store, "gsm8k", path)
    assert ask(store, "select * from records").is_empty()


def test_a_mark_where_files_were_put_together_costs_no_row(store, tmp_path):
    content = "".join(f"{json.dumps(row)}\n" for row in ROWS[:2])
    path = tmp_path / "rows.jsonl"
    path.write_text(f"\ufeff{content}\ufeff{content.replace('?', '!')}", encoding="utf-8")
    assert counts(ingest(store, "gsm8k", path)) == (4, 4, 0, 0)
    assert ask(store, "select count(*) as n from records where body like '%\ufeff%'").item() == 0


def test_csv_files_that_are_put_together_lose_no_row_and_their_second_header_is_no_row(
    store, tmp_path
):
    first = '\ufeffquestion,answer\n"1?","1\n#### 1"\n'
    path = tmp_path / "rows.csv"
    path.write_text(first + first.replace("1", "2") + '\ufeff"3?","3\n#### 3"\n', encoding="utf-8")
    result = ingest(store, "gsm8k", path)
    assert counts(result) == (4, 3, 0, 1)
    convert_source(store, "gsm8k")
    assert sorted(ask(store, "select prompt from examples")["prompt"]) == ["1?", "2?", "3?"]


INFOS = {
    "dataset_infos.json": {"main": {"splits": {"train": {"num_examples": 3}}}},
    "state.json": {"_data_files": [{"filename": "a.arrow"}]},
    "notes.json": {"made": "in May", "by": "somebody"},
}


@pytest.mark.parametrize("indent", [None, 2])
def test_files_about_the_rows_of_a_folder_are_named_and_not_read(store, tmp_path, indent):
    jsonl(tmp_path / "train.jsonl", ROWS)
    names = [*INFOS] if indent else ["dataset_infos.json", "state.json"]
    for name in names:
        (tmp_path / name).write_text(json.dumps(INFOS[name], indent=indent))
    (tmp_path / "README.md").write_text("about it")
    result = ingest(store, "gsm8k", tmp_path)
    assert counts(result) == (3, 3, 0, 0)
    assert sorted(result["skipped_files"]) == sorted(["README.md", "store", *names])


def test_a_json_file_of_rows_in_a_folder_is_read_whatever_its_form(store, tmp_path):
    (tmp_path / "array.json").write_text(json.dumps(ROWS[:1], indent=2))
    (tmp_path / "lines.json").write_text(f"\ufeff{json.dumps(ROWS[1])}\n{json.dumps(ROWS[2])}\n")
    assert counts(ingest(store, "gsm8k", tmp_path)) == (3, 3, 0, 0)


def test_a_damaged_json_file_of_a_folder_is_refused_and_not_passed_over(store, tmp_path):
    jsonl(tmp_path / "train.jsonl", ROWS)
    (tmp_path / "more.json").write_text('{\n "question": "1?",\n')
    with pytest.raises(UserError, match=r"more\.json holds no row"):
        ingest(store, "gsm8k", tmp_path)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_first_row_without_a_column_does_not_cost_the_others(store, tmp_path, suffix):
    rows = [{"question": "0?"}, *ROWS]
    path = tmp_path / f"rows.{suffix}"
    if suffix == "jsonl":
        jsonl(path, rows)
    else:
        pl.DataFrame(rows).write_parquet(path)
    assert counts(ingest(store, "gsm8k", path)) == (4, 4, 0, 0)
    result = convert_source(store, "gsm8k")
    assert (result["converted"], result["by_defect"]) == (3, {"wrong shape": 1})


def test_a_file_is_refused_if_none_of_its_rows_has_all_columns(store, tmp_path):
    path = jsonl(tmp_path / "rows.jsonl", [{"question": "q"}, {"answer": "a"}] * 3)
    path.write_text("no row\n" + path.read_text())
    with pytest.raises(UserError, match="lacks the column answer; found question"):
        ingest(store, "gsm8k", path)
    path = jsonl(tmp_path / "long.jsonl", [{"question": "q"}] * 2_000)
    with pytest.raises(UserError, match="lacks the column answer"):
        ingest(store, "gsm8k", path)
