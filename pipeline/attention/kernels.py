"""Where the GPU kernels are used: one NVIDIA GPU, and shapes that they can read."""

from collections.abc import Collection
from typing import Any

import jax
from flax import nnx
from jax.sharding import Sharding

from pipeline.attention import slot_kernel


def on_gpu() -> bool:
    """Whether kernels are compiled; elsewhere they are interpreted, which is slow."""
    return jax.default_backend() == "gpu"


def fit_training(head_dim: int, devices: Collection[Any]) -> bool:
    """Whether training on `devices` can use FlashAttention.

    Only one GPU: on several the kernels would have to be divided among them.
    """
    one_gpu = len(devices) == 1 and next(iter(devices)).platform == "gpu"
    return one_gpu and head_dim >= 16 and head_dim & (head_dim - 1) == 0


def fit_slots(model: nnx.Module) -> bool:
    """Whether the engine can use FlashSlotAttention for `model`."""
    window = model.config.sliding_window_size  # type: ignore[attr-defined]
    head_dim = model.config.head_dim  # type: ignore[attr-defined]
    return fit_training(head_dim, _devices(model)) and not (window or 0) % slot_kernel.BLOCK


def columns(tokens: int) -> int:
    """Columns of the cache for texts of `tokens`, as the kernel reads them: whole blocks."""
    return -(-tokens // slot_kernel.BLOCK) * slot_kernel.BLOCK


def _devices(model: nnx.Module) -> set[Any]:
    """Those on which the weights lie, or would lie."""
    devices: set[Any] = set()
    for weight in jax.tree.leaves(nnx.state(model)):
        sharding: Sharding | None = getattr(weight, "sharding", None)
        devices |= sharding.device_set if sharding is not None else set()
    return devices
