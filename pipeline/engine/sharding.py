"""Where the slots lie on a mesh: texts over the axis fsdp, key heads over tp where they divide."""

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pipeline.engine.decode import Slots


def on_mesh(slots: Slots, mesh: Mesh | None) -> Slots:
    """`slots` on the devices of `mesh`; what does not divide is kept whole on each of them."""
    if mesh is None:
        return slots

    def put(array: jax.Array) -> jax.Array:
        rows = "fsdp" if array.shape[0] % mesh.shape["fsdp"] == 0 else None
        heads = array.ndim == 4 and array.shape[1] % mesh.shape["tp"] == 0
        spec = PartitionSpec(rows, "tp") if heads else PartitionSpec(rows)
        return jax.device_put(array, NamedSharding(mesh, spec))

    return jax.tree.map(put, slots)
