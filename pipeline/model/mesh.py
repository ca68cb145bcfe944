"""Where the slots lie on a mesh: texts over the axis fsdp, key heads over tp where they divide."""

from typing import TypeVar

import jax
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Arrays = TypeVar("Arrays")


def mesh_of(model: nnx.Module) -> Mesh | None:
    """The mesh on which the weights of `model` lie; None where they lie on one device without."""
    for weight in jax.tree.leaves(nnx.state(model)):
        sharding = weight.sharding if isinstance(weight, jax.Array) else None
        if isinstance(sharding, NamedSharding) and isinstance(sharding.mesh, Mesh):
            return sharding.mesh
    return None


def on_mesh(slots: Arrays, mesh: Mesh | None) -> Arrays:
    """Within a compiled step: `slots` on `mesh`; what does not divide is whole on each device.

    Each step ends with it: slots that lay elsewhere would make the next step compile once more.
    """
    if mesh is None:
        return slots

    def put(array: jax.Array) -> jax.Array:
        rows = "fsdp" if array.shape[0] % mesh.shape["fsdp"] == 0 else None
        heads = array.ndim == 4 and array.shape[1] % mesh.shape["tp"] == 0
        spec = PartitionSpec(rows, "tp") if heads else PartitionSpec(rows)
        return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, spec))

    return jax.tree.map(put, slots)
