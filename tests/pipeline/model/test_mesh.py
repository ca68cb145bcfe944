"""Several devices give the numbers of one: eight virtual devices on this machine's CPU.

The same file is also the program that runs on them, in its own process.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from data.errors import UserError
from tests import ROOT
from tests.support.few_layers import UNOPTIMIZED, made_in

MESHES = ((1, 1), (2, 4), (8, 1))


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, dict]:
    model = made_in(tmp_path_factory.mktemp("few") / "model")
    flags = f"--xla_force_host_platform_device_count=8 {UNOPTIMIZED}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.pipeline.model.test_mesh", str(model)]
    output = subprocess.check_output(command, cwd=ROOT, env=environment, text=True)
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize("mesh", ["2x4", "8x1"])
@pytest.mark.parametrize("number", ["sft", "policy", "gradient"])
def test_losses_and_gradients_are_those_of_one_device(measured, mesh, number):
    assert measured[mesh][number] == pytest.approx(measured["1x1"][number], rel=2e-4)
    assert measured["1x1"][number] != 0


@pytest.mark.parametrize("mesh", ["2x4", "8x1"])
def test_greedy_texts_are_those_of_one_device(measured, mesh):
    assert measured[mesh]["texts"] == measured["1x1"]["texts"]


@pytest.mark.parametrize("mesh", ["2x4", "8x1"])
def test_weights_are_sharded_over_the_mesh(measured, mesh):
    assert measured[mesh]["shards"] == 8
    assert measured["1x1"]["shards"] == 1


def test_a_mesh_of_more_devices_than_there_are_is_refused():
    from pipeline.model import device_mesh

    with pytest.raises(UserError, match="needs 4096 devices"):
        device_mesh(4096)


def on(model_folder: str, fsdp: int, tensor_parallel: int) -> dict[str, float | list[str] | int]:
    """Losses, sums of squared gradients, and texts of a small random model on one mesh."""
    import jax
    import numpy as np
    from flax import nnx
    from tunix.sft.sharding_utils import shard_input

    from pipeline.config import GrpoConfig
    from pipeline.generate import Sampling, completer
    from pipeline.loss import PolicyExample, objective_of, policy_loss, sft_loss
    from pipeline.model import TINY, device_mesh, gemma3
    from pipeline.model.lora import add_adapters
    from pipeline.model.tokenizer import Tokenizer

    loaded = gemma3.load(model_folder, remat=False, mesh=device_mesh(fsdp, tensor_parallel))
    tokenizer = Tokenizer(TINY)
    # 9 to 16 tokens: the programs of one bucket are compiled
    prompts = [
        "How many are 2 and 3?",
        "Ann has 4 pens and 2 books.",
        "7 + 8 = 15, 9 =",
        "What is 12 - 5?",
    ] * 2
    sampling = Sampling(max_prompt_tokens=32, max_tokens=12)
    texts = completer(loaded.model, tokenizer, sampling, 8)(prompts, 0)
    model = add_adapters(loaded.model, rank=4, alpha=8.0, seed=0, mesh=loaded.mesh)
    random = np.random.default_rng(0)
    ids = random.integers(5, 60, size=(8, 24)).astype(np.int32)
    state = nnx.state(model, nnx.LoRAParam)

    # an adapter's second matrix starts at zero, and half of the gradients with it
    def moved(weight: jax.Array) -> jax.Array:
        noise = 0.05 * random.standard_normal(weight.shape, np.float32)
        return jax.device_put(np.asarray(weight) + noise, weight.sharding)

    nnx.update(model, jax.tree.map(moved, state))
    objective = objective_of(GrpoConfig(), [])

    def both(model: nnx.Module, batch: dict[str, jax.Array], example: PolicyExample):
        sft = sft_loss(model, **batch)
        policy = policy_loss(model, example, objective, pad=0, temperature=1.0)[0]
        return sft + policy, (sft, policy)

    batch: Any = {"ids": ids, "completion": ids > 30, "segments": ids > 0}
    policy_example: Any = PolicyExample  # flax makes its __init__
    example = policy_example(
        prompt_ids=ids[:, :8], completion_ids=ids[:, 8:],
        completion_mask=ids[:, 8:] > 0, advantages=random.normal(size=8).astype(np.float32),
        ref_per_token_logps=np.full((8, 16), -3.0, np.float32), old_per_token_logps=None,
    )  # fmt: skip
    numbers: dict[str, float | list[str] | int] = {"texts": [one.text for one in texts]}
    with loaded.mesh:
        adapters = nnx.DiffState(0, nnx.LoRAParam)
        # one program for both: most of the time goes into compiling
        step = nnx.jit(nnx.value_and_grad(both, argnums=adapters, has_aux=True))
        data: Any = shard_input((batch, example), ("fsdp",))  # type: ignore[arg-type]
        (_, (sft, policy)), gradient = step(model, *data)
    squares = [float(np.square(np.asarray(g)).sum()) for g in jax.tree.leaves(gradient)]
    numbers |= {"sft": float(sft), "policy": float(policy), "gradient": sum(squares)}
    weights = jax.tree.leaves(nnx.state(loaded.model, nnx.Param))
    numbers["shards"] = max(len({str(s.index) for s in w.addressable_shards}) for w in weights)
    return numbers


if __name__ == "__main__":
    print(json.dumps({f"{fsdp}x{tp}": on(sys.argv[1], fsdp, tp) for fsdp, tp in MESHES}))
