"""Where the GPU kernels are chosen, and where the plain code stays."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import pytest

from pipeline.attention import kernels, slot_kernel
from pipeline.attention.layers import BlockAttention, FlashAttention
from pipeline.model import TINY, gemma3


@dataclass(frozen=True)
class Chip:
    """What the choice reads of a device of jax."""

    platform: str = "gpu"
    compute_capability: str = "9.0"


H100, T4, AMD, CPU = Chip(), Chip(compute_capability="7.5"), Chip("gpu", "gfx942"), Chip("cpu", "")


@pytest.mark.parametrize(
    ("devices", "head_dim", "dtype", "fit"),
    [
        ([H100], 256, jnp.bfloat16, True),
        ([H100], 128, jnp.float32, True),
        ([H100], 256, jnp.float32, False),
        ([H100], 96, jnp.bfloat16, False),
        ([H100, replace(H100)], 256, jnp.bfloat16, False),
        ([T4], 256, jnp.bfloat16, False),
        ([AMD], 256, jnp.bfloat16, False),
        ([CPU], 256, jnp.bfloat16, False),
        ([], 256, jnp.bfloat16, False),
    ],
)
def test_the_kernels_are_for_one_hopper_gpu_and_heads_that_fit(devices, head_dim, dtype, fit):
    assert kernels.fit_training(head_dim, dtype, devices) == fit


@pytest.mark.parametrize(("window", "fit"), [(512, True), (500, False), (32, False)])
def test_the_engine_takes_the_kernel_where_a_window_is_whole_blocks(window, fit, monkeypatch):
    config = replace(gemma3.architecture(TINY, "float32"), sliding_window_size=window)
    model = gemma3.abstract(config)
    assert not kernels.fit_slots(model)  # no device at all
    monkeypatch.setattr(kernels, "_devices", lambda model: {H100})
    assert kernels.fit_slots(model) == fit


def test_a_model_is_loaded_with_the_attention_of_its_devices(monkeypatch):
    plain = gemma3.load(str(TINY), block_attention=True).model
    assert type(plain.layers[0].attn) is BlockAttention
    monkeypatch.setattr(gemma3, "fit_training", lambda head_dim, dtype, devices: len(devices) == 1)
    by_kernels = gemma3.load(str(TINY), block_attention=True).model
    assert all(type(layer.attn) is FlashAttention for layer in by_kernels.layers)


@pytest.mark.parametrize("tokens", [1, 832, 896, 1_024, 4_288])
def test_columns_are_enough_and_can_be_shared_by_many_programs(tokens):
    columns = kernels.columns(tokens)
    assert tokens <= columns < tokens + 4 * slot_kernel.BLOCK
    assert slot_kernel.parts_of(64, 1, columns) == 4
