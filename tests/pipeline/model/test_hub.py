"""Model names and folders: complete, or refused with what is missing."""

import shutil

import pytest

from data.errors import UserError
from pipeline.model import TINY, model_folder, resolve


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("config.json", "lacks config.json"),
        ("tokenizer.json", "lacks tokenizer.json"),
        ("model.safetensors", "lacks \\*.safetensors"),
    ],
)
def test_a_folder_that_lacks_a_part_is_refused_with_the_name_of_the_part(tmp_path, missing, named):
    folder = shutil.copytree(TINY, tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(UserError, match=named):
        model_folder(str(folder))


def test_an_unknown_name_is_refused_with_the_names_that_are_possible():
    with pytest.raises(UserError, match="Expected 'tiny', a folder"):
        resolve("tinny")


def test_a_complete_folder_is_its_own_model(tmp_path):
    folder = shutil.copytree(TINY, tmp_path / "model")
    assert model_folder(str(folder)) == folder
    assert model_folder("tiny") == TINY
