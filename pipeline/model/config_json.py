"""A Gemma 3's config.json, read whole: its defaults filled in, what is not computed refused."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import UserError

# What Tunix's Gemma 3 computes, whatever the config says.
COMPUTED: dict[str, Any] = {
    "hidden_activation": "gelu_pytorch_tanh",
    "rms_norm_eps": 1e-6,
    "attention_bias": False,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "tie_word_embeddings": True,
    "use_bidirectional_attention": False,
}
LOCAL, GLOBAL = "sliding_attention", "full_attention"
ROPE_TYPES = {LOCAL: ("default",), GLOBAL: ("default", "linear")}


def text_config(folder: Path) -> dict[str, Any]:
    """Every field of the text model that `folder`/config.json describes, see `complete`."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON in UTF-8: {error}") from error
    if not isinstance(config, dict):
        raise UserError(f"{path} holds a {type(config).__name__}; expected a JSON object")
    return complete(config.get("text_config", config), str(path))


def complete(text: dict[str, Any], path: str) -> dict[str, Any]:
    """`text` with the defaults of transformers in place of fields that it leaves out.

    The published config of Gemma 3 4B, for one, names neither heads nor vocabulary.
    path: where it was read, for messages

    Raises UserError if it is no Gemma 3, or asks for what is not computed here.
    """
    kind = text.get("model_type") or "model of unnamed type"
    if not str(kind).startswith("gemma3"):
        raise UserError(
            f"{path} describes a {kind!r}; thinkbench trains Gemma 3 (model_type gemma3 or"
            " gemma3_text)"
        )
    from huggingface_hub.errors import StrictDataclassError
    from transformers import Gemma3TextConfig

    try:
        whole = Gemma3TextConfig(**text).to_dict()
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise UserError(f"{path} is no config of a Gemma 3: {error}") from error
    if wrong := list(_not_computed(whole)):
        raise UserError(
            f"{path} asks for what thinkbench does not compute: {'; '.join(wrong)}. Such a model"
            " would load and give other texts than it should, so it is refused."
        )
    return whole


def _not_computed(text: dict[str, Any]) -> Iterator[str]:
    """Each field whose value would be ignored, with what is computed instead."""
    for name, computed in COMPUTED.items():
        if not _is_equal(text.get(name), computed):
            yield f"{name} is {text.get(name)!r}, computed is {computed!r}"
    scales = (text["head_dim"], text["hidden_size"] // text["num_attention_heads"])
    if text["query_pre_attn_scalar"] not in scales:
        yield f"query_pre_attn_scalar is {text['query_pre_attn_scalar']}, expected one of {scales}"
    for layers, allowed in ROPE_TYPES.items():
        if (rope := text["rope_parameters"][layers])["rope_type"] not in allowed:
            yield f"rope_type of {layers} is {rope['rope_type']!r}, expected {' or '.join(allowed)}"
    if odd := sorted(set(text["layer_types"]) - set(ROPE_TYPES)):
        yield f"layer_types has {', '.join(odd)}, expected {LOCAL} and {GLOBAL}"


def _is_equal(value: Any, computed: Any) -> bool:
    """Also of 1e-6 in float32, as configs made from other formats have it."""
    if isinstance(value, float) and isinstance(computed, float):
        return math.isclose(value, computed, rel_tol=1e-6)
    return value == computed
