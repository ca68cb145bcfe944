"""Where the GPU kernels are used: one NVIDIA GPU of Hopper's kind, and shapes that fit it."""

from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Sharding

from pipeline.attention import slot_kernel

HOPPER = "9.0"  # compute capability of H100, H200 and GH200
WIDEST = 512  # bytes of a head


def on_gpu() -> bool:
    """Whether kernels are compiled; elsewhere they are interpreted, which is slow."""
    return jax.default_backend() == "gpu"


def fit_training(head_dim: int, dtype: jnp.dtype, devices: Collection[Any]) -> bool:
    """Whether training on `devices` (of jax) can use FlashAttention.

    Blocks of 64 keys and values must fit into the memory of a multiprocessor, 227 KiB on Hopper;
    other chips have less, or were not measured. On several the kernels would have to be divided.
    """
    if len(devices) != 1 or head_dim < 16 or head_dim & (head_dim - 1):
        return False
    [device] = devices
    hopper = device.platform == "gpu" and getattr(device, "compute_capability", "") == HOPPER
    return hopper and head_dim * jnp.dtype(dtype).itemsize <= WIDEST


def fit_slots(model: nnx.Module) -> bool:
    """Whether the engine can use FlashSlotAttention for `model`."""
    config = model.config  # type: ignore[attr-defined]
    window = config.sliding_window_size or 0
    fits = fit_training(config.head_dim, config.param_dtype, _devices(model))
    return fits and not window % slot_kernel.BLOCK


def columns(tokens: int) -> int:
    """Columns of the cache for texts of `tokens`: blocks that four programs can share."""
    whole = 4 * slot_kernel.BLOCK
    return -(-tokens // whole) * whole


def _devices(model: nnx.Module) -> set[Any]:
    """Those on which the weights lie, or would lie."""
    devices: set[Any] = set()
    for weight in jax.tree.leaves(nnx.state(model)):
        sharding: Sharding | None = getattr(weight, "sharding", None)
        devices |= sharding.device_set if sharding is not None else set()
    return devices
