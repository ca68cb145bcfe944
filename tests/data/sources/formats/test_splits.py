"""Splits: which rows are for training, and which are never trained on."""

import json
from pathlib import Path

import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.formats.splits import split_of, split_of_folder, split_of_row
from data.sources.ingest import ingest
from data.store.store import ask
from evals.scores import problems_of_split

ROWS = [{"question": f"{n}?", "answer": f"{n} = {n}\n#### {n}"} for n in range(3)]


def write(path: Path, rows=ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("x/main_test.csv", "test"),
        ("x/eval.jsonl", "test"),
        ("x/my-evaluation-rows.jsonl", "test"),
        ("x/gsm8kTestSet.jsonl", "test"),
        ("x/TEST.JSONL", "test"),
        ("x/testing.parquet", "test"),
        ("x/math_heldout.jsonl", "test"),
        ("x/validation-00000-of-00002.parquet", "validation"),
        ("x/valid.jsonl", "validation"),
        ("x/val_2.jsonl", "validation"),
        ("x/dev.json", "validation"),
        ("x/train.jsonl", "train"),
        ("x/test_train.jsonl", "train"),
        ("test/train-0.jsonl", "train"),
        ("x/latest.jsonl", "train"),
        ("x/contest.jsonl", "train"),
        ("x/evaluated.jsonl", "train"),
        ("x/values.jsonl", "train"),
        ("test/0000.jsonl", "test"),
        ("validation/part-0.parquet", "validation"),
        ("gsm8k_test/rows.jsonl", "test"),
        ("Test-Set/rows.jsonl", "test"),
        ("data/rows.jsonl", "train"),
        ("test_run_of_may/rows.jsonl", "train"),
        ("test/deeper/rows.jsonl", "train"),
    ],
)
def test_the_name_of_a_file_says_its_split_and_else_the_name_of_its_folder(path, split):
    assert split_of(Path("/home") / path) == split


def test_a_file_of_the_current_folder_is_of_the_split_of_that_folder(tmp_path, monkeypatch):
    (tmp_path / "test").mkdir()
    monkeypatch.chdir(tmp_path / "test")
    assert split_of(Path("rows.jsonl")) == "test"


@pytest.mark.parametrize("name", ["", "data", "set", "42", "tests", "testament", "my_test_rows"])
def test_other_names_of_folders_say_no_split(name):
    assert split_of_folder(name) is None


@pytest.mark.parametrize(
    ("row", "split"),
    [
        ({"split": "test"}, "test"),
        ({"split": " Dev "}, "validation"),
        ({"split": "train"}, "train"),
        ({"split": "banana"}, "validation"),
        ({"split": 3}, "validation"),
        ({}, "validation"),
    ],
)
def test_a_row_may_say_its_own_split(row, split):
    assert split_of_row(row, "validation") == split


def splits_of(store) -> dict[str, int]:
    rows = ask(store, "select split, count(*) from records group by all")
    return dict(rows.iter_rows())


def test_files_in_folders_of_splits_are_read_and_say_where_they_come_from(store, tmp_path):
    folder = tmp_path / "rows"
    write(folder / "train" / "0.jsonl", ROWS[:1])
    write(folder / "test" / "0.jsonl", ROWS[1:])
    write(folder / "validation" / "0.jsonl", [{**ROWS[0], "id": 1}])
    write(folder / "other" / "0.jsonl", ROWS)
    counts = ingest(store, "mine", folder, "gsm8k")
    assert counts["splits"] == {"test": 2, "train": 1, "validation": 1}
    assert counts["skipped_files"] == ["other"]
    origins = ask(store, "select distinct origin from records order by all")["origin"]
    assert origins.to_list() == ["test/0.jsonl", "train/0.jsonl", "validation/0.jsonl"]


def test_only_train_rows_are_trained_on(store, tmp_path):
    rows = [{"prompt": f"{n}?", "completion": f"<think>so</think>{n}"} for n in range(4)]
    names = ("train", "eval", "validation", "test")
    for name, row in zip(names, rows, strict=True):
        write(tmp_path / f"{name}.jsonl", [row])
    ingest(store, "mine", tmp_path, "completion")
    assert convert_source(store, "mine")["converted"] == 4
    assert ask(store, "select prompt from trainable_examples")["prompt"].to_list() == ["0?"]


def test_an_option_says_the_split_of_all_rows(store, tmp_path):
    path = write(tmp_path / "test.jsonl", [ROWS[0], {**ROWS[1], "split": "dev"}])
    assert ingest(store, "mine", path, "gsm8k", split="train")["splits"] == {"train": 2}
    assert splits_of(store) == {"train": 2}


def test_problems_of_a_split_that_is_not_there_are_refused_with_those_that_are(store, tmp_path):
    ingest(store, "mine", write(tmp_path / "dev.jsonl"), "gsm8k")
    convert_source(store, "mine")
    with pytest.raises(UserError, match=r"no test problems of 'mine' \(it has 3 validation; "):
        problems_of_split(store, "mine", "test")
