"""The same command twice at once, or again after it was broken off: every row is there once."""

import json
import subprocess
import sys

import pytest

from data.conversion import convert_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import ask
from pipeline.job.inputs import examples_of
from tests import ROOT

PROGRAM = "from workbench.cli.main import main; main()"
ROWS = 4_500  # several parts


def counted(store, *tables):
    ids = {"records": "record_id", "conversions": "record_id", "examples": "example_id"}
    ids |= {"problems": "problem_id", "generations": "generation_id"}
    return {
        table: ask(
            store, f"select count(*) as n, count(distinct {ids[table]}) as d from {table}"
        ).row(0)
        for table in tables
    }


def twice_at_once(store, *arguments):
    command = [sys.executable, "-c", PROGRAM, "--store", str(store.folder), *arguments, "--json"]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)
        assert process.returncode == 0


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for n in range(ROWS):
            file.write(
                json.dumps({"question": f"What is {n}?", "answer": f"It is.\n#### {n}"}) + "\n"
            )
    return path


def test_two_who_ingest_and_convert_at_once_add_every_row_once(store, rows):
    twice_at_once(store, "ingest", "mine", "--from", str(rows), "--shape", "gsm8k")
    twice_at_once(store, "convert", "mine")
    tables = ("records", "conversions", "examples", "problems")
    assert counted(store, *tables) == dict.fromkeys(tables, (ROWS, ROWS))


def test_two_who_import_at_once_add_every_generation_once(store, tmp_path):
    path = tmp_path / "texts.jsonl"
    with path.open("w") as file:
        for n in range(ROWS):
            row = {"problem_id": f"p{n}", "question": f"{n}?", "gold": str(n), "text": f"It is {n}"}
            file.write(json.dumps(row) + "\n")
    command = [sys.executable, "-c", PROGRAM, "--store", str(store.folder)]
    command += ["import", str(path), "--name", "theirs"]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert {0} <= {process.returncode for process in both} <= {0, 2}, errors  # 2: done already
    assert counted(store, "generations", "problems") == {
        "generations": (ROWS, ROWS),
        "problems": (ROWS, ROWS),
    }


def test_a_conversion_that_was_broken_off_goes_on_and_doubles_nothing(store, rows, monkeypatch):
    ingest(store, "mine", rows, "gsm8k")
    whole = convert_source.add
    parts = []

    def broken(*arguments, **named):
        parts.append(arguments[1])
        if parts.count("examples") == 2 and arguments[1] == "conversions":
            raise KeyboardInterrupt
        return whole(*arguments, **named)

    monkeypatch.setattr(convert_source, "add", broken)
    with pytest.raises(KeyboardInterrupt):
        convert_source.convert_source(store, "mine")
    [run] = ask(store, "select run from runs where kind = 'convert'")["run"].to_list()
    assert (runs.state(store, run) or {})["event"] == "interrupted"
    monkeypatch.setattr(convert_source, "add", whole)
    assert convert_source.convert_source(store, "mine")["converted"] == ROWS
    assert counted(store, "examples", "conversions") == dict.fromkeys(
        ("examples", "conversions"), (ROWS, ROWS)
    )
    converter = ask(store, "select any_value(converter) as c from examples")["c"].item()
    assert len(examples_of(store, "mine", converter)) == ROWS
    assert (runs.state(store, run) or {})["event"] == "done"
