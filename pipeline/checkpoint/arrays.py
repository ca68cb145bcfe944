"""Checkpoints through Orbax that hold whole arrays, so that each process has one of its own.

Orbax's own handlers write arrays in parts, some by each process, to a disk that all processes
share; arrays in the memory of one process are written by process 0 only. The arrays here are
small: adapters and their optimizer state.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from safetensors.numpy import load_file, save_file

from pipeline import distributed

FILE = "arrays.safetensors"
DELETED = "deleted"  # Orbax moves a step here before it deletes it, so no step is incomplete


def manager(
    folder: Path,
    handlers: dict[str, ocp.CheckpointHandler] | None = None,
    keep: int | None = None,
    **options: Any,
) -> ocp.CheckpointManager:
    """Orbax's manager of `folder`, which keeps the newest `keep` steps, or the best.

    Each process has a manager of its own, which does not wait for other processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if distributed.several():
        options["multiprocessing_options"] = _alone()
        options["enable_async_checkpointing"] = False  # it would wait for a folder of process 0
    return ocp.CheckpointManager(
        folder.resolve(),  # Orbax takes absolute paths only
        item_handlers=handlers,
        options=ocp.CheckpointManagerOptions(
            create=False, max_to_keep=keep, todelete_subdir=DELETED, **options
        ),
    )


def with_json(arrays: str, json: str) -> dict[str, ocp.CheckpointHandler]:
    """The handlers of a checkpoint of two items with these names."""
    handler = ocp.JsonCheckpointHandler(multiprocessing_options=_alone())
    return {arrays: WholeArraysHandler(), json: handler}


def _alone() -> ocp.options.MultiprocessingOptions:
    if not distributed.several():
        return ocp.options.MultiprocessingOptions()
    this = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process{this}"
    )


class WholeArraysHandler(ocp.CheckpointHandler):
    """Writes and reads the leaves of a tree in their order."""

    def save(self, directory: epath.Path, args: "Save") -> None:
        save_file(args.leaves, directory / FILE)

    def restore(self, directory: epath.Path, args: "Restore") -> list[np.ndarray[Any, Any]]:
        leaves = load_file(directory / FILE)
        return [leaves[str(index)] for index in range(len(leaves))]


@ocp.args.register_with_handler(WholeArraysHandler, for_save=True)
@dataclass
class Save(ocp.args.CheckpointArgs):
    """leaves: index in the tree, as text -> array"""

    leaves: dict[str, np.ndarray[Any, Any]]

    @classmethod
    def of(cls, tree: Any) -> "Save":
        """All processes must call this, as each may hold a part of each array."""
        leaves = jax.tree.leaves(distributed.whole(tree))
        return cls({str(i): np.asarray(leaf, order="C") for i, leaf in enumerate(leaves)})


@ocp.args.register_with_handler(WholeArraysHandler, for_restore=True)
@dataclass
class Restore(ocp.args.CheckpointArgs):
    """All leaves, in the order of the tree."""


def placed_like(tree: Any, leaves: list[np.ndarray[Any, Any]]) -> Any:
    """`tree` with `leaves`, each on the devices of the leaf that it replaces.

    An array that is not committed to a device is replaced by one that is not committed either.
    """
    old_leaves, structure = jax.tree.flatten(tree)
    placed = [
        distributed.sharded(new, old.sharding) if old.committed else jnp.array(new)
        for new, old in zip(leaves, old_leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, placed)
