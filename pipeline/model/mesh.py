"""The mesh of devices: made for a run, read off a model, and the layout of the engine's slots."""

import os
from collections import Counter
from typing import TypeVar

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from data.errors import UserError
from pipeline import distributed

Arrays = TypeVar("Arrays")


def device_mesh(fsdp: int = 1, tensor_parallel: int = 1) -> Mesh:
    """A mesh of this machine's devices, with the axes that Tunix's Gemma 3 names: fsdp and tp."""
    needed, present = fsdp * tensor_parallel, jax.device_count()
    if needed > present:
        raise UserError(
            f"the mesh {fsdp} x {tensor_parallel} needs {needed} devices, this machine has"
            f" {present} ({jax.default_backend()}); lower fsdp or tensor_parallel"
        )
    if distributed.several() and needed < present:
        raise UserError(
            f"the mesh {fsdp} x {tensor_parallel} has {needed} devices, the {jax.process_count()}"
            f" processes have {present}; set fsdp and tensor_parallel so that every process takes"
            " part"
        )
    devices = np.array(jax.devices()[:needed]).reshape(fsdp, tensor_parallel)
    return Mesh(devices, ("fsdp", "tp"))


def devices_text() -> str:
    """What this process computes on, of all processes: "1 x TPU v5e", or "CPU, 2 cores"."""
    devices = jax.devices()
    if all(one.platform == "cpu" for one in devices):
        several = f", as {len(devices)} devices" if len(devices) > 1 else ""
        return f"CPU, {os.cpu_count()} cores{several}"
    kinds = Counter(one.device_kind for one in devices)
    memory = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    programs = f", {memory / 2**30:.0f} GiB for programs" if memory else ""
    return "; ".join(f"{number} x {kind}" for kind, number in kinds.items()) + programs


def mesh_of(model: nnx.Module) -> Mesh | None:
    """The mesh on which the weights of `model` lie; None if they lie on one device without one."""
    for weight in jax.tree.leaves(nnx.state(model)):
        sharding = weight.sharding if isinstance(weight, jax.Array) else None
        if isinstance(sharding, NamedSharding) and isinstance(sharding.mesh, Mesh):
            return sharding.mesh
    return None


def on_mesh(slots: Arrays, mesh: Mesh | None) -> Arrays:
    """Inside a compiled step: `slots` on `mesh`, texts over fsdp and key heads over tp.

    An axis whose size does not divide stays whole on each device. Every step of the engine ends
    with this: slots with another sharding would make the next step compile again.
    """
    if mesh is None:
        return slots

    def put(array: jax.Array) -> jax.Array:
        rows = "fsdp" if array.shape[0] % mesh.shape["fsdp"] == 0 else None
        heads = array.ndim == 4 and array.shape[1] % mesh.shape["tp"] == 0
        spec = PartitionSpec(rows, "tp") if heads else PartitionSpec(rows)
        return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, spec))

    return jax.tree.map(put, slots)
