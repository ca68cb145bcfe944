"""Where a training run stands, on disk: what it needs to go on as if it had never stopped.

That is the adapters, the optimizer's state, and a small object of the trainer's own: the state of
Grain's iterator and what it counts. Orbax writes each step into a folder that appears when it is
whole, so a run that is killed meanwhile goes on from the step before.
"""

import shutil
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
from flax import nnx

from data.errors import UserError
from pipeline import distributed
from pipeline.checkpoint import arrays
from pipeline.checkpoint.arrays import DROPPED, manager

KEPT = 2  # steps: the older one is dropped when the newer one is whole


class TrainingState:
    """The last steps of one run, in `folder`.

    begun_with: what decides how the run goes on, as JSON: a step of another one is not gone on with
    """

    def __init__(self, folder: Path, begun_with: dict[str, Any]) -> None:
        self.folder, self.begun_with = folder, begun_with
        self._manager = manager(folder, arrays.with_json("arrays", "place"), max_to_keep=KEPT)

    def latest(self) -> int:
        """The last step that is whole, in all processes; 0 where there is none.

        They keep the same steps: one that was killed lacks the last one at most.
        """
        return distributed.minimum(self._manager.latest_step() or 0)

    def save(
        self, step: int, model: nnx.Module, optimizer: nnx.Optimizer, place: dict[str, Any]
    ) -> None:
        """Keep `step`; it is whole when this returns. place: JSON"""
        if step in self._manager.all_steps():
            return
        self._manager.save(
            step,
            args=ocp.args.Composite(
                arrays=arrays.Save.of((_state(model), _state(optimizer))),
                place=ocp.args.JsonSave({"place": place, "begun_with": self.begun_with}),
            ),
        )
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DROPPED, ignore_errors=True)

    def restore(self, model: nnx.Module, optimizer: nnx.Optimizer) -> dict[str, Any] | None:
        """Put the last step into `model` and `optimizer`; its `place`, or None: there is none.

        Raises UserError where the step is of a run that was begun otherwise.
        """
        step = self.latest()
        if not step:
            return None
        only_place = ocp.args.Composite(place=ocp.args.JsonRestore())
        kept = self._manager.restore(step, args=only_place)["place"]
        refuse_others(str(self.folder), kept["begun_with"], self.begun_with)
        only_arrays = ocp.args.Composite(arrays=arrays.Restore())
        leaves = self._manager.restore(step, args=only_arrays)["arrays"]
        states = arrays.laid_as((_state(model), _state(optimizer)), leaves)
        for into, state in zip((model, optimizer), states, strict=True):
            nnx.update(into, state)
        return kept["place"]

    def close(self) -> None:
        self._manager.close()


def refuse_others(what: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise UserError, naming each value that is not as it was."""
    old, new = _flat(before), _flat(now)
    changed = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise UserError(
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
