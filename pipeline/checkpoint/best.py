"""Adapters on disk through Orbax: the best by held-out answer accuracy, and the last ones."""

import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from pipeline.checkpoint import arrays
from pipeline.checkpoint.arrays import DELETED, manager


def _is_past(manager: Any, step: int) -> bool:
    """Whether `step`, or a later one, has been saved: Orbax saves in ascending order only."""
    latest = manager.latest_step()
    return latest is not None and step <= latest


class BestAdapters:
    """The adapters of a run at its evaluated steps: the `keep` best."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._manager = manager(
            folder,
            keep=keep,
            best_fn=lambda metrics: metrics["answer"],
            best_mode="max",
            keep_checkpoints_without_metrics=False,
        )
        self.folder = folder

    def save(self, step: int, model: nnx.Module, answer: float) -> None:
        """Save the adapters of `model`, whose held-out answer accuracy is `answer`.

        A resumed run may evaluate a step again that it had saved: the saved one stays, and one that
        better ones have pushed out since does not come back.
        """
        if _is_past(self._manager, step):
            return
        adapters = nnx.state(model, nnx.LoRAParam)
        saved = self._manager.save(
            step,
            args=arrays.Save.of(adapters),
            metrics={"answer": answer},
        )
        assert saved, f"Orbax did not save step {step}"
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DELETED, ignore_errors=True)

    def best(self) -> int:
        """The step with the highest accuracy; of equal ones the latest."""
        step = self._manager.best_step()
        assert step is not None, "best() was called before save()"
        return step

    def answer(self, step: int) -> float:
        """The held-out answer accuracy that was measured at `step`."""
        return float(self._manager.metrics(step)["answer"])  # type: ignore[index]  # it was saved

    def restore(self, step: int, model: nnx.Module) -> None:
        """Load the adapters of `step` into `model`."""
        adapters = nnx.state(model, nnx.LoRAParam)
        leaves: Any = self._manager.restore(step, args=arrays.Restore())
        nnx.update(model, arrays.placed_like(adapters, leaves))

    def close(self) -> None:
        self._manager.close()


class RecentAdapters:
    """The adapters of a run at its last `keep` evaluated steps, to be averaged."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._manager = manager(folder, keep=keep)
        self.folder = folder

    def save(self, step: int, model: nnx.Module) -> None:
        """A resumed run may come to a step again that it had saved: the saved one stays."""
        if _is_past(self._manager, step):
            return
        self._manager.save(step, args=arrays.Save.of(nnx.state(model, nnx.LoRAParam)))
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DELETED, ignore_errors=True)

    def steps(self) -> list[int]:
        return sorted(self._manager.all_steps())

    def drop_after(self, step: int) -> None:
        """Delete those of later steps, which the run has rolled back."""
        for later in (one for one in self.steps() if one > step):
            self._manager.delete(later)
            shutil.rmtree(self.folder / DELETED, ignore_errors=True)

    def restore_mean(self, model: nnx.Module) -> None:
        """Load the mean of the kept adapters into `model` (arXiv:1803.05407), in float32."""
        adapters = nnx.state(model, nnx.LoRAParam)
        states: list[Any] = [
            self._manager.restore(step, args=arrays.Restore()) for step in self.steps()
        ]
        mean = jax.tree.map(lambda *leaves: np.mean(np.array(leaves, np.float32), axis=0), *states)
        nnx.update(model, arrays.placed_like(adapters, mean))

    def close(self) -> None:
        self._manager.close()
