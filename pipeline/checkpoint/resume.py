"""The state of a training run on disk, so that an interrupted run resumes as if it never stopped.

That is: adapters, optimizer state, and a small JSON object of the trainer, with the state of
Grain's iterator and its counts. Orbax writes each step into a folder that appears when it is
complete, so a run that is killed while it writes resumes from the step before.
"""

import shutil
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
from flax import nnx

from data.errors import UserError
from pipeline import distributed
from pipeline.checkpoint import arrays
from pipeline.checkpoint.arrays import DELETED, manager

STEPS_KEPT = 2  # the older one is deleted when the newer one is complete
ITEMS = {"arrays", "progress"}  # the folders of one complete step


class TrainingState:
    """The newest checkpoints of one run, in `folder`.

    started_with: JSON of what the run depends on; a checkpoint with another one is refused
    """

    def __init__(self, folder: Path, started_with: dict[str, Any]) -> None:
        self.folder, self.started_with = folder, started_with
        self._manager = manager(folder, arrays.with_json("arrays", "progress"), STEPS_KEPT)

    def latest(self) -> int:
        """The newest step that is complete in all processes; 0 if there is none.

        Processes save the same steps: one that was killed lacks at most the newest.
        """
        return distributed.minimum(self._manager.latest_step() or 0)

    def save(
        self, step: int, model: nnx.Module, optimizer: nnx.Optimizer, progress: dict[str, Any]
    ) -> None:
        """Save `step`; it is complete when this returns. progress: JSON"""
        if step in self._manager.all_steps():
            return
        self._manager.save(
            step,
            args=ocp.args.Composite(
                arrays=arrays.Save.of((_state(model), _state(optimizer))),
                progress=ocp.args.JsonSave(
                    {"progress": progress, "started_with": self.started_with}
                ),
            ),
        )
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DELETED, ignore_errors=True)

    def restore(self, model: nnx.Module, optimizer: nnx.Optimizer) -> dict[str, Any] | None:
        """Load the newest step into `model` and `optimizer`; its `progress`, None without a step.

        Raises UserError if the run of the checkpoint was started with something else, or if another
        version of this code wrote it.
        """
        step = self.latest()
        if not step:
            return None
        self._refuse_another_format(step)
        only_json = ocp.args.Composite(progress=ocp.args.JsonRestore())
        saved = self._manager.restore(step, args=only_json)["progress"]
        started_with = saved["started_with"]
        if "config" in started_with:  # the stage has decided about knobs that are newer than it
            started_with["config"] = self.started_with["config"] | started_with["config"]
        refuse_changes(str(self.folder), started_with, self.started_with)
        only_arrays = ocp.args.Composite(arrays=arrays.Restore())
        leaves = self._manager.restore(step, args=only_arrays)["arrays"]
        states = arrays.placed_like((_state(model), _state(optimizer)), leaves)
        for target, state in zip((model, optimizer), states, strict=True):
            nnx.update(target, state)
        return saved["progress"]

    def _refuse_another_format(self, step: int) -> None:
        items = {item.name for item in (self.folder / str(step)).iterdir() if item.is_dir()}
        if not items >= ITEMS:
            raise UserError(
                f"{self.folder / str(step)} holds {', '.join(sorted(items)) or 'nothing'}; expected"
                f" {', '.join(sorted(ITEMS))}: the checkpoint was written by another version of"
                " thinkbench. Finish the run with that version, or start a new run."
            )

    def close(self) -> None:
        self._manager.close()


def refuse_changes(what: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise UserError if the two differ, naming each value that changed."""
    old, new = _flat(before), _flat(now)
    changed = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise UserError(
            f"{what} cannot be resumed: {'; '.join(changed)}. Expected the values that it was"
            " started with: use these again, or start a new run."
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves by their path, such as `config.steps`; tuples as lists, as JSON returns them."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _state(trained: nnx.Module | nnx.Optimizer) -> nnx.State:
    if isinstance(trained, nnx.Optimizer):
        return nnx.state(trained, nnx.optimizer.OptState)
    return nnx.state(trained, nnx.LoRAParam)
