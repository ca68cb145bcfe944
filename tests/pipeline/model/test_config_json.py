"""A config.json is read whole: defaults filled in, and what is not computed refused by name."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tunix.models.gemma3.model import AttentionType

from data.errors import UserError
from pipeline.model import TINY, gemma3
from pipeline.model.config_json import complete, text_config
from pipeline.preflight.sizes import config_of, sizes_in

TEXT = json.loads((TINY / "config.json").read_text())
# as published: what its text model has by default is left out
FOUR_B = {
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    },
}


def test_what_a_published_config_leaves_out_is_its_default(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(FOUR_B))
    config = gemma3.architecture(tmp_path, "bfloat16")
    heads = (config.num_heads, config.num_kv_heads, config.head_dim)
    assert (heads, config.num_embed) == ((8, 4, 256), 262_208)
    frequencies = (config.local_base_frequency, config.global_base_frequency)
    assert (frequencies, config.global_scale_factor) == ((10_000, 1_000_000), 8.0)
    assert sizes_in(FOUR_B).heads == 8


@pytest.mark.parametrize(
    ("size", "layers", "scale"),
    [
        ("270m", 18, 256), ("1b", 26, 256), ("4b", 34, 256), ("12b", 48, 256), ("27b", 62, 168),
    ],
)  # fmt: skip
def test_every_size_of_gemma_is_read(size, layers, scale):
    text = complete(config_of(f"google/gemma-3-{size}-it"), size)
    config = gemma3.architecture_in(text, "bfloat16")
    kinds = [kind == AttentionType.GLOBAL for kind in config.layer_types]
    assert (config.num_layers, kinds) == (layers, [number % 6 == 5 for number in range(layers)])
    six = {"num_layers": 6, "layer_types": config.layer_types[:6]}  # a layer takes 0.1 s
    model = gemma3.abstract(replace(config, **six))
    attention = model.layers[0].attn
    assert attention.query_pre_attn_scalar == pytest.approx(scale**-0.5)
    kinds = [layer.attn.attn_type == AttentionType.GLOBAL for layer in model.layers]
    assert kinds == [False] * 5 + [True]


ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
STRETCHED = {"sliding_attention": ROPE | {"factor": 2.0}, "full_attention": ROPE}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rms_norm_eps": 1e-5}, "rms_norm_eps is 1e-05, computed is 1e-06"),
        ({"hidden_activation": "silu"}, "hidden_activation is 'silu'"),
        ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping is 50.0, computed is None"),
        ({"final_logit_softcapping": 30.0}, "final_logit_softcapping is 30.0"),
        ({"query_pre_attn_scalar": 168}, r"query_pre_attn_scalar is 168, expected one of \(32, 24"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention is True"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope_type of full_attention"),
        ({"rms_norm_eps": 1e-5, "attention_bias": True}, "1e-06; attention_bias is True"),
        ({"model_type": "llama"}, "describes a 'llama'"),
        ({"model_type": "gemma3n"}, "describes a 'gemma3n'"),
        ({"model_type": "gemma3n_text"}, "describes a 'gemma3n_text'"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0; expected a whole number above 0"),
        ({"num_key_value_heads": -1}, "num_key_value_heads is -1"),
        ({"head_dim": 32.5, "num_hidden_layers": True}, r"layers is True; head_dim is 32\.5"),
        ({"sliding_window": None}, "sliding_window is None"),
        ({"sliding_window_pattern": 0}, "sliding_window_pattern is 0"),
        ({"num_key_value_heads": 3}, "num_attention_heads and num_key_value_heads are"),
        (
            {"rope_scaling": {"rope_type": "default", "factor": 8.0}},
            "factor of full_attention is 8",
        ),
        (
            {"rope_scaling": {"rope_type": "linear", "factor": 0.5}},
            "factor of full_attention is 0.5",
        ),
        ({"rope_parameters": STRETCHED}, "factor of sliding_attention is 2"),
        (
            {"rope_parameters": {"rope_type": "default", "rope_theta": 5}},
            "has rope_theta for all layers",
        ),
        ({"rope_theta": 10_000.5}, r"rope_theta of full_attention is 10000\.5"),
        ({"rope_theta": float("nan")}, "rope_theta of full_attention is nan"),
        ({"rope_local_base_freq": 0}, "rope_theta of sliding_attention is 0"),
        (
            {"rope_scaling": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "partial_rotary_factor of full_attention is 0.5",
        ),
        ({"partial_rotary_factor": 0.5}, r"partial_rotary_factor .*0\.5"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is {'bits': 4}, a field that"),
        ({"num_kv_shared_layers": 10}, "num_kv_shared_layers is 10"),
        ({"residual_multiplier": 0.22}, r"residual_multiplier is 0\.22"),
        ({"auto_map": {"AutoModel": "mine.Model"}}, "auto_map is"),
        ({"text_config": "gemma3"}, "has text_config 'gemma3'"),
        ({"model_type": None}, "describes a 'model of unnamed type'"),
        ({"layer_types": ["sliding_attention"]}, "is no config of a Gemma 3"),
        ({"layer_types": ["chunked_attention"] * 6}, "layer_types"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(tmp_path, change, words):
    (tmp_path / "config.json").write_text(json.dumps(TEXT | change))
    with pytest.raises(UserError, match=words) as refused:
        text_config(tmp_path)
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        {"partial_rotary_factor": 1.0, "quantization_config": None, "num_experts": 0},
        {"rope_scaling": {"rope_type": "default", "factor": 1.0}},
        {
            "unsloth_version": "2026.1",
            "_attn_implementation_autoset": True,
            "torch_dtype": "bfloat16",
        },
        {"hidden_act": "gelu_pytorch_tanh", "cache_implementation": "hybrid"},
    ],
)
def test_what_changes_nothing_is_read(change):
    assert complete(TEXT | change, "a test")["hidden_size"] == TEXT["hidden_size"]


def test_a_quantized_model_with_vision_is_refused():
    with pytest.raises(UserError, match="quantization_config is"):
        complete(FOUR_B | {"quantization_config": {"bits": 4}}, "a test")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"a"', "\xff"])
def test_a_file_that_is_no_config_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"config\.json"):
        text_config(tmp_path)


def test_a_number_that_was_rounded_to_float32_is_the_same():
    rounded = float(np.float32(1e-6))
    assert rounded != 1e-6
    assert complete(TEXT | {"rms_norm_eps": rounded}, "a test")["rms_norm_eps"] == rounded


def test_layers_are_local_and_global_as_the_config_has_them():
    kinds = ["full_attention", "sliding_attention", "sliding_attention"] * 2
    text = complete(TEXT | {"layer_types": kinds}, "a test")
    model = gemma3.abstract(gemma3.architecture_in(text, "float32"))
    attention = [layer.attn for layer in model.layers]
    assert [one.attn_type == AttentionType.GLOBAL for one in attention] == [True, False, False] * 2
    assert [one.rope_base_frequency for one in attention] == [1_000_000, 10_000, 10_000] * 2


@pytest.mark.parametrize("kind", ["sliding_attention", "full_attention"])
@pytest.mark.parametrize("dropped", [(), ("rope_parameters", "rope_theta", "rope_local_base_freq")])
def test_a_model_whose_layers_are_all_of_one_kind_is_read(kind, dropped):
    text = {name: value for name, value in TEXT.items() if name not in dropped}
    whole = complete(text | {"num_hidden_layers": 2, "layer_types": [kind] * 2}, "config.json")
    layers = gemma3.architecture_in(whole, "float32").layer_types
    assert {layer == AttentionType.GLOBAL for layer in layers} == {kind == "full_attention"}


def test_a_pattern_instead_of_layer_types_is_read():
    plain = {name: value for name, value in TEXT.items() if name != "layer_types"}
    text = complete(plain | {"sliding_window_pattern": 3}, "a test")
    assert text["layer_types"] == ["sliding_attention", "sliding_attention", "full_attention"] * 2


def test_the_older_name_of_a_rope_type_is_read():
    older = {"rope_scaling": {"type": "linear", "factor": 8.0}}
    config = gemma3.architecture_in(complete(TEXT | older, "a test"), "float32")
    assert config.global_scale_factor == 8.0
    with pytest.raises(UserError, match="rope_type of full_attention is 'yarn'"):
        complete(TEXT | {"rope_scaling": {"type": "yarn", "factor": 8.0}}, "a test")
