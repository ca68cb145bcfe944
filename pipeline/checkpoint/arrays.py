"""Checkpoints through Orbax that hold arrays whole, so that each process has one of its own.

Orbax's own handlers write arrays in parts, some of each process, on a disk that all of them see;
arrays in the memory of one process they write in process 0 only. What is kept here is small:
adapters, and what the optimizer knows of them.
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
DROPPED = "dropped"  # where Orbax moves steps, so that none is ever half there


def manager(
    folder: Path, handlers: dict[str, ocp.CheckpointHandler] | None = None, **options: Any
) -> ocp.CheckpointManager:
    """Orbax's, of `folder`. Each of several processes has its own, and waits for no other."""
    folder.mkdir(parents=True, exist_ok=True)
    if distributed.several():
        options["multiprocessing_options"] = _alone()
        options["enable_async_checkpointing"] = False  # it would wait for folders of process 0
    return ocp.CheckpointManager(
        folder.resolve(),  # Orbax takes absolute paths only
        item_handlers=handlers,
        options=ocp.CheckpointManagerOptions(create=False, todelete_subdir=DROPPED, **options),
    )


def with_json(arrays: str, json: str) -> dict[str, ocp.CheckpointHandler]:
    """The handlers of a checkpoint with two items of these names."""
    said = ocp.JsonCheckpointHandler(multiprocessing_options=_alone())
    return {arrays: WholeArraysHandler(), json: said}


def _alone() -> ocp.options.MultiprocessingOptions:
    if not distributed.several():
        return ocp.options.MultiprocessingOptions()
    this = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process{this}"
    )


class WholeArraysHandler(ocp.CheckpointHandler):
    """Writes and reads the leaves of a tree by their place in it."""

    def save(self, directory: epath.Path, args: "Save") -> None:
        save_file(args.leaves, directory / FILE)

    def restore(self, directory: epath.Path, args: "Restore") -> list[np.ndarray[Any, Any]]:
        found = load_file(directory / FILE)
        return [found[str(at)] for at in range(len(found))]


@ocp.args.register_with_handler(WholeArraysHandler, for_save=True)
@dataclass
class Save(ocp.args.CheckpointArgs):
    """leaves: arrays by their place in the tree, as text"""

    leaves: dict[str, np.ndarray[Any, Any]]

    @classmethod
    def of(cls, tree: Any) -> "Save":
        """All processes must ask, as a part of each array may lie in each of them."""
        leaves = jax.tree.leaves(distributed.whole(tree))
        return cls({str(at): np.asarray(leaf, order="C") for at, leaf in enumerate(leaves)})


@ocp.args.register_with_handler(WholeArraysHandler, for_restore=True)
@dataclass
class Restore(ocp.args.CheckpointArgs):
    """All leaves, in the order of the tree."""


def laid_as(tree: Any, leaves: list[np.ndarray[Any, Any]]) -> Any:
    """`leaves` in the places of those of `tree`, each on the devices on which that one lies.

    Where that one is still free to go wherever a computation wants it, so is the new one.
    """
    there, structure = jax.tree.flatten(tree)
    laid = [
        distributed.sharded(new, old.sharding) if old.committed else jnp.array(new)
        for new, old in zip(leaves, there, strict=True)
    ]
    return jax.tree.unflatten(structure, laid)
