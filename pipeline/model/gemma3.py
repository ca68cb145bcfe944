"""Gemma 3 as a Hugging Face folder (config.json, tokenizer, safetensors): load and save."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from safetensors.numpy import save_file
from tunix.models.gemma3 import model as gemma3
from tunix.models.gemma3.params_safetensors import create_model_from_safe_tensors

from data.errors import UserError
from pipeline import distributed
from pipeline.attention import BlockAttention, FlashAttention, fit_training, with_attention
from pipeline.model.config_json import GLOBAL, LOCAL, text_config
from pipeline.model.hub import TEMPLATE, TINY, has_chat_template, model_folder
from pipeline.model.mesh import device_mesh

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
# how names of files with weights end, also of other formats than ours
WEIGHTS = {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx"}
SCALES = gemma3.QueryPreAttentionNormalisation
LAYER_TYPES = {
    LOCAL: gemma3.AttentionType.LOCAL_SLIDING,
    GLOBAL: gemma3.AttentionType.GLOBAL,
}


@dataclass(frozen=True)
class Loaded:
    """A model in memory and the folder it came from (config and tokenizer are there)."""

    model: gemma3.Gemma3
    folder: Path
    mesh: Mesh


@dataclass(slots=True, kw_only=True)
class Architecture(gemma3.ModelConfig):
    """Tunix's configuration, and which layers are local: Tunix has five local ones to a global."""

    layer_types: tuple[gemma3.AttentionType, ...]


def architecture(
    folder: Path, dtype: str, remat: bool = False, tensor_parallel: int = 1
) -> Architecture:
    """The Gemma 3 that `folder`/config.json describes."""
    return architecture_in(text_config(folder), dtype, remat, tensor_parallel)


def architecture_in(
    text: dict[str, Any], dtype: str, remat: bool = False, tensor_parallel: int = 1
) -> Architecture:
    """The Gemma 3 of a whole config, see `config_json.complete`."""
    local, everywhere = text["rope_parameters"][LOCAL], text["rope_parameters"][GLOBAL]
    by_head = text["query_pre_attn_scalar"] == text["head_dim"]
    return Architecture(
        num_layers=text["num_hidden_layers"],
        num_embed=text["vocab_size"],
        embed_dim=text["hidden_size"],
        hidden_dim=text["intermediate_size"],
        num_heads=text["num_attention_heads"],
        head_dim=text["head_dim"],
        num_kv_heads=text["num_key_value_heads"],
        sliding_window_size=text["sliding_window"],
        local_base_frequency=int(local["rope_theta"]),
        global_base_frequency=int(everywhere["rope_theta"]),
        global_scale_factor=float(everywhere.get("factor", 1.0)),
        query_pre_attn_norm=SCALES.BY_ONE_OVER_SQRT_HEAD_DIM
        if by_head
        else SCALES.BY_ONE_OVER_SQRT_EMBED_DIM_DIV_NUM_HEADS,
        param_dtype=DTYPES[dtype],
        remat_config=gemma3.RematConfig.DECODER if remat else gemma3.RematConfig.NONE,
        shd_config=_sharding(text["num_key_value_heads"], tensor_parallel),
        layer_types=tuple(LAYER_TYPES[kind] for kind in text["layer_types"]),
    )


def with_layer_types(model: gemma3.Gemma3, config: Architecture) -> gemma3.Gemma3:
    """`model` with local and global layers where the config has them."""
    for layer, kind in zip(model.layers, config.layer_types, strict=True):
        local = kind == gemma3.AttentionType.LOCAL_SLIDING
        layer.attn.attn_type = kind
        layer.attn.rope_base_frequency = (
            config.local_base_frequency if local else config.global_base_frequency
        )
        layer.attn.rope_scale_factor = (
            config.local_scale_factor if local else config.global_scale_factor
        )
    return model


def _sharding(key_value_heads: int, tensor_parallel: int) -> gemma3.ShardingConfig:
    """Tunix's sharding, except that too few key and value heads are replicated on each device.

    Gemma 3 1B has one such head, so Tunix's own sharding fits no mesh with tensor parallelism.
    """
    sharding = gemma3.ShardingConfig.get_default_sharding()
    if key_value_heads % tensor_parallel:
        return replace(sharding, kv_weight_cndh=(None, None, "fsdp", None))
    return sharding


def load(
    name: str,
    *,
    dtype: str = "float32",
    remat: bool = False,
    block_attention: bool = False,
    logits_bytes: int = 0,
    mesh: Mesh | None = None,
) -> Loaded:
    """The model `name` (see `hub.model_folder`) with its weights in `dtype`, on `mesh`.

    block_attention: attention for training, see `attention.BlockAttention`
    logits_bytes:    of the losses, see `pipeline.loss.head.score`
    """
    folder = model_folder(name)
    mesh = mesh or device_mesh()
    config = architecture(folder, dtype, remat, mesh.shape["tp"])
    with mesh:
        model = create_model_from_safe_tensors(
            str(folder.resolve()), config, mesh, dtype=DTYPES[dtype]
        )
    return Loaded(_as_configured(model, config, mesh, block_attention, logits_bytes), folder, mesh)


def abstract(
    config: Architecture,
    mesh: Mesh | None = None,
    *,
    block_attention: bool = False,
    logits_bytes: int = 0,
) -> gemma3.Gemma3:
    """The model that `load` returns for `config` on `mesh`, with shapes in place of weights."""
    model = nnx.eval_shape(lambda: gemma3.Gemma3(config, rngs=nnx.Rngs(0)))
    return _as_configured(model, config, mesh, block_attention, logits_bytes)


def _as_configured(
    model: gemma3.Gemma3,
    config: Architecture,
    mesh: Mesh | None,
    block_attention: bool,
    logits_bytes: int,
) -> gemma3.Gemma3:
    """`model` with the config's layers, and what the losses read: attention, bytes of logits."""
    with_layer_types(model, config)
    if logits_bytes:
        model.logits_bytes = logits_bytes  # type: ignore[attr-defined]  # a static field for nnx
    if not block_attention:
        return model
    devices = list(mesh.devices.flat) if mesh else []
    flash = fit_training(config.head_dim, config.param_dtype, devices)
    return with_attention(model, FlashAttention if flash else BlockAttention)


def hugging_face_weights(model: gemma3.Gemma3) -> dict[str, np.ndarray]:
    """Weights by Hugging Face's names, in its shapes, in their own dtype.

    The inverse of Tunix's `params_safetensors`; base weights only, without adapters.
    """
    weights: dict[str, Any] = {"model.embed_tokens.weight": model.embedder.input_embedding}
    weights["model.norm.weight"] = model.final_norm.scale
    for number, layer in enumerate(model.layers):
        prefix = f"model.layers.{number}"
        weights[f"{prefix}.input_layernorm.weight"] = layer.pre_attention_norm.scale
        weights[f"{prefix}.post_attention_layernorm.weight"] = layer.post_attention_norm.scale
        weights[f"{prefix}.pre_feedforward_layernorm.weight"] = layer.pre_ffw_norm.scale
        weights[f"{prefix}.post_feedforward_layernorm.weight"] = layer.post_ffw_norm.scale
        weights[f"{prefix}.self_attn.q_norm.weight"] = layer.attn._query_norm.scale
        weights[f"{prefix}.self_attn.k_norm.weight"] = layer.attn._key_norm.scale
        for name in ("gate_proj", "up_proj", "down_proj"):
            weights[f"{prefix}.mlp.{name}.weight"] = getattr(layer.mlp, name).kernel[...].T
        query, key, value = _projections(layer.attn)
        weights[f"{prefix}.self_attn.q_proj.weight"] = _as_matrix(query)
        weights[f"{prefix}.self_attn.k_proj.weight"] = _as_matrix(key)
        weights[f"{prefix}.self_attn.v_proj.weight"] = _as_matrix(value)
        out = layer.attn.attn_vec_einsum.w[...]  # [heads, head_dim, features]
        weights[f"{prefix}.self_attn.o_proj.weight"] = out.reshape(-1, out.shape[-1]).T
    return {name: np.asarray(distributed.whole(w[...])) for name, w in weights.items()}


def _projections(attention: gemma3.Attention) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Query, key and value weights, each [heads, features, head_dim]."""
    if attention.use_qkv_einsum:
        three = attention.qkv_einsum.w[...]
        return three[0], three[1], three[2]
    both = attention.kv_einsum.w[...]
    return attention.q_einsum.w[...], both[0], both[1]


def _as_matrix(weight: jax.Array) -> jax.Array:
    """[heads, features, head_dim] -> [heads * head_dim, features], as torch's Linear stores it."""
    return weight.transpose(0, 2, 1).reshape(-1, weight.shape[1])


def save(model: gemma3.Gemma3, like: Path, folder: Path) -> Path:
    """Write `model` as a Hugging Face folder; config and tokenizer come from the folder `like`.

    It is written under another name and renamed when complete, so no reader sees half of it. An
    existing folder is refused, never removed.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already; name another folder or move it away")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for path in like.iterdir():
        if path.is_file() and not _is_of_weights(path.name):
            shutil.copy(path, part / path.name)
    if not has_chat_template(part):  # it was trained with Gemma's turns, see Tokenizer
        shutil.copy(TINY / TEMPLATE, part / TEMPLATE)
    config = json.loads((part / "config.json").read_text(encoding="utf-8"))
    for section in (config, config.get("text_config", {})):  # else others load it in another dtype
        for name in {"dtype", "torch_dtype"} & section.keys():
            section[name] = dtype_of(model)
    (part / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    weights = hugging_face_weights(model)
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})
    return part.replace(folder)


def _is_of_weights(name: str) -> bool:
    """Whether a file of this name holds or describes weights, which are not those of a new model.

    An index, as pytorch_model.bin.index.json, does; README.md is the card of the weights.
    """
    return name == "README.md" or not WEIGHTS.isdisjoint(Path(name).suffixes)


def dtype_of(model: gemma3.Gemma3) -> str:
    """float32 or bfloat16: of the base weights."""
    return str(model.embedder.input_embedding[...].dtype)


def parameters(model: nnx.Module) -> int:
    """Number of base parameters; adapters are not counted."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
