"""A Gemma 3's config.json, read whole: its defaults filled in, what is not computed refused."""

import json
import math
import re
from collections.abc import Iterator, Mapping
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
MODEL_TYPES = ("gemma3", "gemma3_text")  # not gemma3n, which is another architecture
SIZES = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "vocab_size", "sliding_window", "sliding_window_pattern",
)  # fmt: skip
# Names of fields that no Gemma 3 has and that change what a model computes, in others.
ARITHMETIC = re.compile(
    "rotary|rope|softcap|quanti|expert|scal|norm|bias|hidden_act|altup|laurel|shared|window"
    "|residual|multiplier|per_layer|attention_|lora|auto_map"
)
NEUTRAL = (None, 0, 1, "", "gelu_pytorch_tanh")  # values of such fields that change nothing
# Names that transformers still reads in older configs of Gemma 3.
OLDER = {"rope_scaling", "rope_theta", "rope_local_base_freq"}
OLDER |= {"sliding_window_pattern", "_sliding_window_pattern"}
LOCAL, GLOBAL = "sliding_attention", "full_attention"
ROPE_FIELDS = {"rope_type", "type", "rope_theta", "factor"}
ROPE_FIELDS |= {"original_max_position_embeddings"}  # which these types do not use
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
    return complete(config, str(path))


def complete(config: dict[str, Any], path: str) -> dict[str, Any]:
    """The text model of `config`, with transformers' defaults for the fields that it leaves out.

    The published config of Gemma 3 4B, for one, names neither heads nor vocabulary.
    path: where it was read, for messages

    Raises UserError if it is no Gemma 3, or asks for what is not computed here.
    """
    text = config.get("text_config", config)
    if not isinstance(text, dict):
        raise UserError(f"{path} has text_config {text!r}; expected an object of fields")
    kind = text.get("model_type") or "model of unnamed type"
    if kind not in MODEL_TYPES:
        raise UserError(
            f"{path} describes a {kind!r}; thinkbench trains Gemma 3 (model_type gemma3 or"
            " gemma3_text)"
        )
    if wrong := [f"{name} is {text[name]!r}" for name in SIZES if not _is_size(text, name)]:
        raise UserError(f"{path}: {'; '.join(wrong)}; expected a whole number above 0")
    from huggingface_hub.errors import StrictDataclassError
    from transformers import Gemma3TextConfig

    try:
        whole = Gemma3TextConfig(**_with_rope_types(text)).to_dict()
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise UserError(f"{path} is no config of a Gemma 3: {error}") from error
    unknown = [*_unknown(config if text is not config else {}), *_unknown(text)]
    if wrong := [*unknown, *_not_computed(whole)]:
        raise UserError(
            f"{path} asks for what thinkbench does not compute: {'; '.join(wrong)}. Such a model"
            " would load and give other texts than it should, so it is refused."
        )
    return whole


def _with_rope_types(text: Mapping[str, Any]) -> dict[str, Any]:
    """`text` whose older name of the kind of rotary positions, `type`, is read as `rope_type`."""
    scaling = text.get("rope_scaling")
    if not isinstance(scaling, dict) or "type" not in scaling:
        return dict(text)
    return {**text, "rope_scaling": {"rope_type": scaling["type"], **scaling}}


def _is_size(text: Mapping[str, Any], name: str) -> bool:
    value = text.get(name, 1)  # one that is left out has a default
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _unknown(fields: Mapping[str, Any]) -> Iterator[str]:
    """Each field that Gemma 3 does not have and that changes what another model computes."""
    from transformers import Gemma3TextConfig

    gemma_fields = set(Gemma3TextConfig().to_dict()) | OLDER
    for name, value in fields.items():
        is_neutral = value is not True and not isinstance(value, (dict, list)) and value in NEUTRAL
        if (
            name not in gemma_fields
            and ARITHMETIC.search(name)
            and not (is_neutral or value in ([], {}))
        ):
            yield f"{name} is {_short(value)}, a field that is not read here"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _not_computed(text: dict[str, Any]) -> Iterator[str]:
    """Each field whose value would be ignored, with what is computed instead."""
    for name, computed in COMPUTED.items():
        if not _is_equal(text.get(name), computed):
            yield f"{name} is {text.get(name)!r}, computed is {computed!r}"
    scales = (text["head_dim"], text["hidden_size"] // text["num_attention_heads"])
    if text["query_pre_attn_scalar"] not in scales:
        yield f"query_pre_attn_scalar is {text['query_pre_attn_scalar']}, expected one of {scales}"
    if text["num_attention_heads"] % text["num_key_value_heads"]:
        heads = f"{text['num_attention_heads']} and {text['num_key_value_heads']}"
        yield f"num_attention_heads and num_key_value_heads are {heads}, expected a multiple"
    # transformers adds these values where all layers are of one kind
    added = {"rope_theta": None, "rope_type": "default"}
    given = {name for name, value in text["rope_parameters"].items() if added.get(name, 0) != value}
    if flat := sorted(given - set(ROPE_TYPES)):
        yield f"rope_parameters has {', '.join(flat)} for all layers, expected {LOCAL} and {GLOBAL}"
    for layers, allowed in ROPE_TYPES.items():
        yield from _rope_not_computed(layers, text["rope_parameters"][layers], allowed)
    if odd := sorted(set(text["layer_types"]) - set(ROPE_TYPES)):
        yield f"layer_types has {', '.join(odd)}, expected {LOCAL} and {GLOBAL}"


def _rope_not_computed(
    layers: str, rope: Mapping[str, Any], allowed: tuple[str, ...]
) -> Iterator[str]:
    """What the rotary positions of these layers ask for and do not get."""
    kind, theta, factor = rope["rope_type"], rope["rope_theta"], rope.get("factor", 1)
    if kind not in allowed:
        yield f"rope_type of {layers} is {kind!r}, expected {' or '.join(allowed)}"
    if not _is_number(theta) or theta < 1 or theta != int(theta):
        yield f"rope_theta of {layers} is {theta!r}, expected a whole number above 0"
    if not _is_number(factor) or factor < 1:
        yield f"factor of {layers} is {factor!r}, expected 1 or more"
    elif kind == "default" and factor != 1:
        yield f"factor of {layers} is {factor!r} beside rope_type 'default', which has none"
    for name in sorted(set(rope) - ROPE_FIELDS):
        if (value := rope[name]) not in (None, 1):
            yield f"{name} of {layers} is {_short(value)}, a field that is not read here"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_equal(value: Any, computed: Any) -> bool:
    """Also of 1e-6 in float32, as configs made from other formats have it."""
    if isinstance(value, float) and isinstance(computed, float):
        return math.isclose(value, computed, rel_tol=1e-6)
    return value == computed
