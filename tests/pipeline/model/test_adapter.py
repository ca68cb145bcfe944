"""Adapters in PEFT's layout: with the base they are the merged weights (by peft: test_peft.py)."""

import dataclasses
import json
import shutil
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data.errors import UserError
from pipeline.model import device_mesh, gemma3
from pipeline.model.adapter import Adapter, Pair, adapter_of, side_by_side
from pipeline.model.agreement import agreement
from pipeline.model.lora import add_adapters, merge_adapters
from pipeline.model.peft_layout import load_adapter, save_adapter
from tests.support.random_model import disturb, random_model
from tests.support.two_stages import ALPHAS, RANKS, two_stages

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


@pytest.fixture(scope="module")
def stages(few, tmp_path_factory):
    return two_stages(few, tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="module")
def both(stages):
    """The adapter of both stages, against the first base."""
    return side_by_side([load_adapter(folder) for folder in stages.adapters])


def test_base_and_pairs_are_the_merged_weights_where_attention_projects_thrice_at_once(few):
    """The bundled model has fewer key and value heads: its queries are projected apart."""
    config = gemma3.architecture(few, "float32")
    shape: dict[str, Any] = {"num_layers": 1, "layer_types": config.layer_types[:1]}
    shape["num_kv_heads"] = config.num_heads
    model = random_model(dataclasses.replace(config, **shape))
    assert model.layers[0].attn.use_qkv_einsum
    base = gemma3.hugging_face_weights(model)
    adapted = add_adapters(model, rank=4, alpha=6.0, seed=0, mesh=device_mesh())
    disturb(adapted)
    adapter = adapter_of(adapted, 6.0)
    merged = gemma3.hugging_face_weights(merge_adapters(adapted, model, alpha=6.0))
    for name, weight in merged.items():
        pair = adapter.pairs.get(name.removesuffix(".weight"))
        assert (pair is not None) == ("_proj" in name)
        change = adapter.scale * (pair.lora_b @ pair.lora_a) if pair else 0
        np.testing.assert_allclose(base[name] + change, weight, rtol=0, atol=2e-6)


def test_two_stages_side_by_side_are_one_adapter_of_the_first_base(stages, both):
    assert (both.rank, both.scale) == (sum(RANKS), ALPHAS[0] / RANKS[0])
    compared = agreement(stages.base, both, stages.merged)
    assert compared.dtype == "float32"
    assert compared.largest < 1e-6
    only_last = agreement(stages.base, load_adapter(stages.adapters[1]), stages.merged)
    assert only_last.largest > 0.1


def test_a_bfloat16_model_agrees_within_the_roundings_of_its_stages(stages, both, tmp_path):
    adapters = [load_adapter(folder) for folder in stages.adapters]
    base = {name: w.astype(BFLOAT16) for name, w in load_file(_file(stages.base)).items()}
    merged = {name: _after(name, weight, adapters) for name, weight in base.items()}
    for name, weights in {"base": base, "merged": merged}.items():
        (tmp_path / name).mkdir()
        save_file(weights, tmp_path / name / "model.safetensors")
    compared = agreement(tmp_path / "base", both, tmp_path / "merged")
    assert compared.dtype == "bfloat16"
    assert 0.4 < compared.equal < 1
    assert 1e-4 < compared.largest < 2 * 2**-8


def _after(name: str, weight, adapters):
    """A weight after each stage has merged its adapter, and rounded."""
    for adapter in adapters:
        if pair := adapter.pairs.get(name.removesuffix(".weight")):
            change = adapter.scale * (pair.lora_b @ pair.lora_a)
            weight = (weight.astype(np.float32) + change).astype(BFLOAT16)
    return weight


def _file(folder):
    [path] = folder.glob("*.safetensors")
    return path


def test_equal_scales_are_joined_without_rounding():
    one, other = (
        Adapter({"m": Pair(np.full((2, 3), n), np.full((4, 2), n / 3))}, rank=2, alpha=3.0)
        for n in (np.float32(0.1), np.float32(0.7))
    )
    joined = side_by_side([one, other])
    assert (joined.rank, joined.alpha) == (4, 6.0)
    assert np.array_equal(joined.pairs["m"].lora_b[:, 2:], other.pairs["m"].lora_b)
    with pytest.raises(UserError, match="different structure"):
        side_by_side([one, dataclasses.replace(one, pairs={})])


def test_another_base_is_refused(stages, both, tmp_path):
    other = shutil.copytree(stages.base, tmp_path / "other")
    path = _file(other)
    weights = load_file(path)
    save_file(weights | {"model.norm.weight": weights["model.norm.weight"] + 1}, path)
    with pytest.raises(UserError, match=r"model.norm.weight has no adapter, and differs"):
        agreement(other, both, stages.merged)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path)
    with pytest.raises(UserError, match=r"has no model.layers.1.mlp.up_proj.weight"):
        agreement(other, both, stages.merged)


def test_a_folder_is_replaced_whole_and_one_without_adapter_is_refused(both, tmp_path):
    save_adapter(both, tmp_path / "peft", base="someone/base")
    save_adapter(both, tmp_path / "peft", base="someone/other")
    config = json.loads((tmp_path / "peft/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "someone/other"
    assert [path.name for path in tmp_path.iterdir()] == ["peft"]
    assert load_adapter(tmp_path / "peft").alpha == both.alpha
    with pytest.raises(UserError, match=r"holds no adapter_model.safetensors"):
        load_adapter(tmp_path)
