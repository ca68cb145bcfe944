"""Model folders: loaded, saved, refused."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from tunix.models.gemma3.model import RematConfig

from data.errors import UserError
from pipeline.config import ModelConfig
from pipeline.model import TINY, gemma3
from pipeline.presets.load import load_preset


def copy_of_tiny(tmp_path):
    return shutil.copytree(TINY, tmp_path / "model")


def test_another_architecture_is_refused(tmp_path):
    folder = copy_of_tiny(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    with pytest.raises(UserError, match="describes a 'llama'"):
        gemma3.load(str(folder))


def test_saved_weights_are_the_loaded_ones_bit_for_bit(tmp_path):
    loaded = gemma3.load("tiny")
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    original = load_file(TINY / "model.safetensors")
    saved = load_file(folder / "model.safetensors")
    assert saved.keys() == original.keys()
    for name, weight in saved.items():
        assert np.array_equal(weight, original[name].astype(np.float32)), name


def test_weights_that_are_not_contiguous_are_saved_as_they_are(tmp_path, monkeypatch):
    loaded = gemma3.load("tiny")
    expected = gemma3.hugging_face_weights(loaded.model)
    whole = jax.device_get
    monkeypatch.setattr(jax, "device_get", lambda w: np.asfortranarray(whole(w)))
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    saved = load_file(folder / "model.safetensors")
    assert all(np.array_equal(saved[name], weight) for name, weight in expected.items())


def test_weights_of_other_formats_and_their_card_stay_behind(tmp_path):
    source = copy_of_tiny(tmp_path)
    stale = ("model-Q8_0.gguf", "pytorch_model.bin", "pytorch_model.bin.index.json",
             "model-00001-of-00002.safetensors.index.json", "model.onnx", "README.md")  # fmt: skip
    for name in stale:
        (source / name).write_text("old")
    (source / "notes.v2.txt").write_text("mine")
    loaded = gemma3.load(str(source))
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert "notes.v2.txt" in names
    assert {name for name in names if (folder / name).read_bytes() == b"old"} == set()
    assert names - {"notes.v2.txt"} == {path.name for path in gemma3.TINY.iterdir()} - {"README.md"}


def test_saved_weights_say_their_format(tmp_path):
    loaded = gemma3.load("tiny")
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    with safe_open(folder / "model.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}


def test_saving_changes_neither_the_folder_it_came_from_nor_one_that_exists(tmp_path):
    source, there = copy_of_tiny(tmp_path), tmp_path / "there"
    there.mkdir()
    (there / "precious.txt").write_text("kept")
    before = (source / "model.safetensors").read_bytes()
    loaded = gemma3.load(str(source))
    loaded.model.final_norm.scale[...] = jnp.ones_like(loaded.model.final_norm.scale[...])
    with pytest.raises(UserError, match="exists already"):
        gemma3.save(loaded.model, loaded.folder, there)
    gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    assert (there / "precious.txt").read_text() == "kept"
    assert (source / "model.safetensors").read_bytes() == before


def test_what_changed_in_memory_is_in_the_saved_folder(tmp_path):
    loaded = gemma3.load("tiny")
    loaded.model.final_norm.scale[...] = jnp.full_like(loaded.model.final_norm.scale[...], 0.5)
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "out")
    assert set(load_file(folder / "model.safetensors")["model.norm.weight"]) == {np.float32(0.5)}


@pytest.mark.parametrize("remat", [False, True])
def test_remat_reaches_tunix(remat):
    remat_config = gemma3.architecture(TINY, "float32", remat).remat_config
    assert remat_config == (RematConfig.DECODER if remat else RematConfig.NONE)


def test_layers_are_recomputed_unless_a_preset_says_otherwise():
    assert ModelConfig().remat
    assert not load_preset("tiny").model.remat


def test_a_saved_config_says_the_dtype_of_its_weights(tmp_path):
    loaded = gemma3.load("tiny", dtype="bfloat16")
    folder = gemma3.save(loaded.model, loaded.folder, tmp_path / "half")
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    assert load_file(folder / "model.safetensors")["model.norm.weight"].dtype == jnp.bfloat16
