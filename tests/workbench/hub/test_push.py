"""What would be published: files that load, a card that says where they come from, no markup."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.store import open_store
from tests.support.harmless import TURNING
from workbench.hub.cards import front_matter, licence_of, plain


def dry(say, out: Path, *words: str) -> dict:
    code, printed, errors = say("push", *words, "--dry-run", "--out", out, "--json")
    assert code == 0, errors
    return json.loads(printed)


def test_a_subset_is_a_folder_that_datasets_loads_with_a_card(say, short, tmp_path):
    import datasets

    out = tmp_path / "out"
    value = dry(say, out, "subset", "short", "--to", "huggingface:me/short")
    assert value["files"] == ["README.md", "data/train-00000-of-00001.parquet", "recipe.json"]
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == value["rows"] == 4
    card = (out / "README.md").read_text()
    assert card.startswith('---\nlicense: "other"\n')
    assert "4 records, chosen with thinkbench" in card
    assert "mine.jsonl" in card
    assert "| mine |" in card


def test_what_goes_to_kaggle_has_its_metadata_and_its_command(say, short, tmp_path):
    value = dry(say, tmp_path / "out", "subset", "short@1", "--to", "kaggle:me/short")
    metadata = json.loads((tmp_path / "out" / "dataset-metadata.json").read_text())
    assert metadata["id"] == "me/short"
    assert value["send"] == f"kaggle datasets create -p {tmp_path / 'out'}"


def test_an_evaluation_is_its_answers_with_verdicts(say, one, tmp_path):
    value = dry(say, tmp_path / "out", "evaluation", "one", "--to", "huggingface:me/answers")
    table = pl.read_parquet(tmp_path / "out" / "data" / "train-00000-of-00001.parquet")
    lenient = table.filter(pl.col("grader") == "lenient").sort("problem_id")
    assert lenient["correct"].to_list() == [False, True]
    assert value["rows"] == table.height
    assert {"report.html", "results.json", "README.md"} < set(value["files"])


def test_a_card_shows_hostile_names_as_text(harmful, say, tmp_path):
    out = tmp_path / "out"
    code, _, errors = say(
        *("--store", harmful, "push", "evaluation", "one", "--to", "huggingface:me/x"),
        *("--dry-run", "--out", out),
    )
    assert (code, errors) == (0, "")
    assert "<script" not in (out / "README.md").read_text()
    text = plain("[x](javascript:alert(1)) <script>`a`|b\n# c \u202e")
    assert not [sign for sign in TURNING if sign in text]
    assert text.startswith("\\[x\\](javascript:alert(1)) &lt;script\\>\\`a\\`\\|b \\# c")
    assert front_matter({"a": 'x"\n---\n'}) == '---\na: "x\\"\\n---\\n"\n---\n'


@pytest.mark.parametrize("to", ["short", "huggingface:short", "ftp:me/short", "kaggle:../x/y"])
def test_a_target_that_is_no_repository_is_refused(say, short, tmp_path, to):
    words = ("push", "subset", "short", "--to", to, "--dry-run", "--out", tmp_path / "out")
    code, _, errors = say(*words)
    assert code == 2
    assert "names no repository" in errors
    assert not (tmp_path / "out").exists()


def test_a_model_without_an_export_is_refused(say, tmp_path):
    open_store(tmp_path / "store")
    words = ("push", "model", "grpo-1", "--to", "huggingface:me/x", "--dry-run", "--out")
    code, _, errors = say(*words, tmp_path / "out")
    assert code == 2
    assert "no export of 'grpo-1'" in errors


def test_licences_that_differ_are_other():
    assert licence_of(["MIT", "MIT"]) == "mit"
    assert licence_of(["MIT", "Apache-2.0"]) == "other"
    assert licence_of(["unknown"]) == "other"
