"""What LoRA trained, apart from the model: matrices by Hugging Face's names, on the host.

Qwix has the pair of a weight as [contracted, rank] and [rank, free]: PEFT's lora_A and lora_B,
transposed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flax import nnx
from tunix.models.gemma3 import model as gemma3

from data.errors import UserError
from pipeline import distributed

LAYERS = "model.layers."
MLP = ("gate_proj", "up_proj", "down_proj")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")

Matrix = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Pair:
    """lora_A: [rank, in]   lora_B: [out, rank]   float32; the change is lora_B @ lora_A, scaled"""

    lora_a: Matrix
    lora_b: Matrix


@dataclass(frozen=True)
class Adapter:
    """pairs: of each projection, by its name, such as model.layers.0.mlp.up_proj

    Its output is multiplied by alpha / rank.
    """

    pairs: dict[str, Pair]
    rank: int
    alpha: float

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


def adapter_of(adapted: gemma3.Gemma3, alpha: float) -> Adapter:
    """The adapters of a model; all processes must call this, as each may hold a part."""
    pairs: dict[str, Pair] = {}
    for number, layer in enumerate(adapted.layers):
        prefix = f"{LAYERS}{number}"
        for name in MLP:
            pairs[f"{prefix}.mlp.{name}"] = _pair(*_arrays(getattr(layer.mlp, name), "kernel"))
        for name, pair in _attention_pairs(layer.attn):
            pairs[f"{prefix}.self_attn.{name}"] = pair
    rank = next(iter(pairs.values())).lora_a.shape[0]
    return Adapter(pairs, rank, alpha)


def _attention_pairs(attention: gemma3.Attention) -> Iterator[tuple[str, Pair]]:
    """Projections that Tunix computes at once have one first matrix, which each gets here."""
    if attention.use_qkv_einsum:
        a, b = _arrays(attention.qkv_einsum, "w")  # b: [rank, 3, heads, head_dim]
        three = [(a, b[:, index]) for index in range(3)]
    else:
        a, b = _arrays(attention.kv_einsum, "w")  # b: [rank, 2, heads, head_dim]
        three = [_arrays(attention.q_einsum, "w"), (a, b[:, 0]), (a, b[:, 1])]
    out = _arrays(attention.attn_vec_einsum, "w")  # [heads, head_dim, rank] and [rank, features]
    for name, arrays in zip(ATTENTION, (*three, out), strict=True):
        yield name, _pair(*arrays)


def _arrays(module: nnx.Module, name: str) -> tuple[Matrix, Matrix]:
    """[contracted dimensions, rank] and [rank, free dimensions], whole on this host."""
    both = getattr(module, f"{name}_lora_a")[...], getattr(module, f"{name}_lora_b")[...]
    a, b = distributed.whole(both)
    return np.asarray(a), np.asarray(b)


def _pair(a: Matrix, b: Matrix) -> Pair:
    rank = a.shape[-1]
    return Pair(
        np.ascontiguousarray(a.reshape(-1, rank).T), np.ascontiguousarray(b.reshape(rank, -1).T)
    )


def side_by_side(adapters: Sequence[Adapter]) -> Adapter:
    """One adapter whose change is the sum of theirs: its rank is the sum of their ranks.

    PEFT multiplies a whole adapter by one number, that of the first here: the second matrices of
    the others are multiplied by what is left. Where all have the same scale, nothing is rounded.
    """
    first = adapters[0]
    if any(other.pairs.keys() != first.pairs.keys() for other in adapters):
        raise UserError("the adapters are of models of different structure, so they do not add up")
    pairs = {
        name: Pair(
            np.concatenate([adapter.pairs[name].lora_a for adapter in adapters]),
            np.concatenate([_scaled(adapter, name, first.scale) for adapter in adapters], axis=1),
        )
        for name in first.pairs
    }
    rank = sum(adapter.rank for adapter in adapters)
    return Adapter(pairs, rank, first.scale * rank)


def _scaled(adapter: Adapter, name: str, scale: float) -> Matrix:
    """The second matrix for an adapter whose scale is `scale`."""
    return adapter.pairs[name].lora_b * np.float32(adapter.scale / scale)
