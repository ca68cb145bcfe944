"""The three cards of an empty store: each fills it from the browser."""

import json

import pytest

from data.store import jobs
from data.store.store import ask, open_store
from tests.support.evaluation import evaluate
from workbench.jobs import runner

GENERATION = {"question": "3 + 4?", "gold": "7", "text": "<answer>7</answer>", "problem_id": "p"}
ROW = {"question": "3 + 4?", "answer": "3 + 4 = 7\n#### 7"}


def lines(*rows: dict) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def sent(page, label: str, name: str, content: bytes, of: str, file: str = "rows.jsonl"):
    """The page after a file and a name were sent from the card with this button."""
    [upload] = [one for one in page.get("file_uploader") if name in one.proto.label]
    upload.upload(file, content, "application/json")
    [box] = [one for one in page.text_input if name in one.label or of == one.label]
    box.set_value("mine")
    [button] = [one for one in page.button if one.label == label]
    return button.click().run()


def test_the_demo_starts_as_a_job_in_a_store_that_it_creates(show, tmp_path):
    page = show("main")
    assert [one.value for one in page.main.header] == [
        "Run the demo",
        "Import generations",
        "Ingest training data",
    ]
    [button] = [one for one in page.button if one.label == "Run the demo"]
    button.click().run()
    store = open_store(tmp_path / "store")
    [job] = jobs.jobs(store)
    runner.cancel(store, job.job)
    assert job.arguments == ("run", "--preset", "tiny")
    assert "The demo runs in the background" in page.success[0].value


def test_uploaded_generations_are_imported_graded_and_linked(show, tmp_path):
    page = sent(show("main"), "Import", "generations", lines(GENERATION), "Name of the run")
    assert page.success[0].value == "Imported 1 generation of 1 read."
    assert page.main.get("page_link")[0].proto.label == "Read the generations of mine"
    scores = "select run, correct from current_scores where grader = 'lenient'"
    assert ask(open_store(tmp_path / "store"), scores).rows() == [("mine", True)]


def test_uploaded_rows_are_ingested_converted_and_linked(show, tmp_path):
    page = sent(show("main"), "Ingest", "rows", lines(ROW, ROW), "Name of the source")
    assert page.success[0].value == "Read 2 rows: 1 example, 0 quarantined."
    assert page.main.get("page_link")[0].proto.label == "Audit mine"
    assert ask(open_store(tmp_path / "store"), "select source from records").rows() == [("mine",)]


@pytest.mark.parametrize("content", [b"", b"\x00\xff", lines({"question": "no text"})])
def test_a_file_that_cannot_be_read_is_an_error_that_says_why(show, tmp_path, content):
    page = sent(show("main"), "Import", "generations", content, "Name of the run")
    assert page.error[0].value == "Nothing was read."
    assert page.main.get("text")[0].value


def test_read_only_mode_has_the_commands_alone(show, here, monkeypatch):
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    page = show("main")
    assert list(page.main.button) == []
    assert len(page.code) == 3


def test_a_run_gets_a_name_and_notes_that_every_page_shows(show, here):
    evaluate(here, "eval-base-0123456789ab", "base", ["7", "1"])
    page = show("overview", named="eval-base-0123456789ab")
    [name] = [one for one in page.text_input if one.label == "Name"]
    name.set_value("first try")
    page.text_area[0].set_value("as it was given")
    [save] = [one for one in page.button if one.label == "Save"]
    save.click().run()
    [row] = page.dataframe[-1].value.to_dict("records")
    assert row["name"].startswith("first try · eval base · ")
    assert row["name"].endswith(" · 012345")
    assert (row["state"], row["notes"]) == ("done", "as it was given")
    assert page.multiselect[0].options[0].startswith("first try · ")
