"""Where a training run stands, on disk: what it needs to go on as if it had never stopped.

That is the adapters, the optimizer's state, and a small object of the trainer's own: the state of
Grain's iterator and what it counts. Orbax writes each step into a folder that appears when it is
whole, so a run that is killed meanwhile goes on from the step before.
"""

import shutil
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from flax import nnx


class CannotResume(ValueError):
    """What a run was begun with is not what it is to go on with."""


KEPT = 2  # steps: the older one is dropped when the newer one is whole
DROPPED = "dropped"  # where Orbax moves steps, so that none is ever half there


class TrainingState:
    """The last steps of one run, in `folder`.

    begun_with: what decides how the run goes on, as JSON: a step of another one is not gone on with
    """

    def __init__(self, folder: Path, begun_with: dict[str, Any]) -> None:
        self.folder, self.begun_with = folder, begun_with
        self._manager = ocp.CheckpointManager(
            folder.resolve(),  # Orbax takes absolute paths only
            options=ocp.CheckpointManagerOptions(max_to_keep=KEPT, todelete_subdir=DROPPED),
        )

    def latest(self) -> int:
        """The last step that is whole; 0 where there is none."""
        return self._manager.latest_step() or 0

    def save(
        self, step: int, model: nnx.Module, optimizer: nnx.Optimizer, place: dict[str, Any]
    ) -> None:
        """Keep `step`; it is whole when this returns. place: JSON"""
        if step in self._manager.all_steps():
            return
        self._manager.save(
            step,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardSave(_arrays(model, optimizer)),
                place=ocp.args.JsonSave({"place": place, "begun_with": self.begun_with}),
            ),
        )
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DROPPED, ignore_errors=True)

    def restore(self, model: nnx.Module, optimizer: nnx.Optimizer) -> dict[str, Any] | None:
        """Put the last step into `model` and `optimizer`; its `place`, or None: there is none.

        Raises CannotResume where the step is of a run that was begun otherwise.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        only_place = ocp.args.Composite(place=ocp.args.JsonRestore())
        kept = self._manager.restore(step, args=only_place)["place"]
        refuse_others(str(self.folder), kept["begun_with"], self.begun_with)
        arrays = _arrays(model, optimizer)
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, arrays)
        only_arrays = ocp.args.Composite(arrays=ocp.args.StandardRestore(abstract))
        found = self._manager.restore(step, args=only_arrays)["arrays"]
        for into, name in ((model, "adapters"), (optimizer, "optimizer")):
            state = _state(into)
            leaves = [found[name][str(at)] for at in range(len(jax.tree.leaves(state)))]
            nnx.update(into, jax.tree.unflatten(jax.tree.structure(state), leaves))
        return kept["place"]

    def close(self) -> None:
        self._manager.close()


def refuse_others(what: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise CannotResume, naming each value that is not as it was."""
    old, new = _flat(before), _flat(now)
    changed = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise CannotResume(
            f"{what} cannot go on: {'; '.join(changed)}. Expected what it was begun with: give that"
            " again, or start a new run."
        )


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Leaves by their path, as `config.steps`; as JSON would give them back."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _state(kept: nnx.Module | nnx.Optimizer) -> nnx.State:
    if isinstance(kept, nnx.Optimizer):
        return nnx.state(kept, nnx.optimizer.OptState)
    return nnx.state(kept, nnx.LoRAParam)


def _arrays(model: nnx.Module, optimizer: nnx.Optimizer) -> dict[str, dict[str, jax.Array]]:
    """Leaves by their place in the tree: the same configuration makes the same tree."""
    return {
        name: {str(at): leaf for at, leaf in enumerate(jax.tree.leaves(_state(kept)))}
        for name, kept in (("adapters", model), ("optimizer", optimizer))
    }
