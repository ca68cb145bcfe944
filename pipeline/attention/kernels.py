"""Where the GPU kernels are used: one NVIDIA GPU, and shapes that they can read."""

import jax
from flax import nnx
from jax.sharding import Sharding

from pipeline.attention import slot_kernel


def on_gpu() -> bool:
    """Whether kernels are compiled; elsewhere they are interpreted, which is slow."""
    return jax.default_backend() == "gpu"


def fit_training(model: nnx.Module) -> bool:
    """Whether training of `model` can use FlashAttention."""
    return _on_one_gpu(model) and _is_power_of_two(model.config.head_dim)  # type: ignore[attr-defined]


def fit_slots(model: nnx.Module) -> bool:
    """Whether the engine can use FlashSlotAttention for `model`."""
    window = model.config.sliding_window_size  # type: ignore[attr-defined]
    return fit_training(model) and not (window or 0) % slot_kernel.BLOCK


def columns(tokens: int) -> int:
    """Columns of the cache for texts of `tokens`, as the kernel reads them: whole blocks."""
    return -(-tokens // slot_kernel.BLOCK) * slot_kernel.BLOCK


def _is_power_of_two(head_dim: int) -> bool:
    return head_dim >= 16 and head_dim & (head_dim - 1) == 0


def _on_one_gpu(model: nnx.Module) -> bool:
    """Whether all weights lie on one GPU; several would need the kernels divided among them."""
    devices = set()
    for weight in jax.tree.leaves(nnx.state(model)):
        sharding: Sharding | None = getattr(weight, "sharding", None)
        devices |= sharding.device_set if sharding is not None else set()
    return len(devices) == 1 and next(iter(devices)).platform == "gpu"
