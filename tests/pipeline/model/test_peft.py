"""Adapters as peft loads them, beside transformers with the merged weights."""

import importlib.util
import json
from typing import Any

import numpy as np
import pytest

from pipeline.model import TINY
from pipeline.model.adapter import side_by_side
from pipeline.model.peft_layout import load_adapter, save_adapter
from tests.support.two_stages import two_stages

# before the fixtures are made
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("peft") is None,
    reason="peft is not installed: pip install -r requirements-parity.txt",
)
IDS = list(range(110, 134))


@pytest.fixture(scope="module")
def stages(few, tmp_path_factory):
    return two_stages(few, tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="module")
def both(stages):
    """The adapter of both stages, against the first base."""
    return side_by_side([load_adapter(folder) for folder in stages.adapters])


def test_peft_computes_with_the_adapter_what_transformers_does_with_the_merged_weights(
    stages, both, tmp_path
):
    peft, torch = (importlib.import_module(name) for name in ("peft", "torch"))
    from transformers import AutoModelForCausalLM

    def loaded(folder) -> Any:
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    save_adapter(both, tmp_path / "peft")
    adapted = peft.PeftModel.from_pretrained(loaded(stages.base), str(tmp_path / "peft")).eval()
    with torch.no_grad():
        plain, merged, ours = (
            model(torch.tensor([IDS])).logits.numpy()
            for model in (loaded(stages.base), loaded(stages.merged), adapted)
        )
    assert np.abs(merged - plain).max() > 1
    np.testing.assert_allclose(ours, merged, rtol=1e-4, atol=1e-3)


def test_peft_finds_the_layers_of_a_model_that_reads_images_too(both, tmp_path):
    peft, torch = (importlib.import_module(name) for name in ("peft", "torch"))
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = json.loads((TINY / "config.json").read_text())
    text |= {"num_hidden_layers": 2, "layer_types": text["layer_types"][-2:]}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=1)
        base = Gemma3ForConditionalGeneration(config).eval()
    save_adapter(both, tmp_path / "peft", images=True)
    adapted = peft.PeftModel.from_pretrained(base, str(tmp_path / "peft"))
    weights = {name: w.numpy() for name, w in adapted.state_dict().items() if "lora_" in name}
    assert len(weights) == 2 * len(both.pairs)
    name = "base_model.model.model.language_model.layers.1.mlp.up_proj.lora_B.default.weight"
    assert np.array_equal(weights[name], both.pairs["model.layers.1.mlp.up_proj"].lora_b)
