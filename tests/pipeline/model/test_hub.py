"""Model names and folders: complete, or refused with what is missing."""

import shutil

import pytest

from data.errors import UserError
from pipeline.model import TINY, model_folder, resolve
from pipeline.model.hub import name_and_licence


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


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: gemma\n---\n# A model\n", "gemma"),
        ("---\nlicense: other\nlicense_name: llama3\n---\n", "llama3"),
        ("# A model\n", None),
        ("---\nlicense: [a, b]\n---\n", None),
        ("---\nlicense: {\n---\n", None),
        ("---\n- license\n---\n", None),
    ],
)
def test_a_folder_has_the_licence_that_its_card_names_and_no_path(tmp_path, card, licence):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "README.md").write_text(card)
    assert name_and_licence(str(folder)) == {"name": "model", "licence": licence}
    (folder / "README.md").unlink()
    assert name_and_licence(str(folder))["licence"] is None
    assert name_and_licence("tiny") == {"name": "tiny", "licence": "Apache-2.0"}
