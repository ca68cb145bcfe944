"""Adapters on disk through Orbax, the best of them kept by held-out answer accuracy."""

import shutil
from pathlib import Path
from typing import Any

from flax import nnx

from pipeline.checkpoint import arrays
from pipeline.checkpoint.arrays import DROPPED, manager


class BestAdapters:
    """The adapters of a run at the steps where they were measured; the best is never dropped."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._manager = manager(
            folder,
            max_to_keep=keep,
            best_fn=lambda metrics: metrics["answer"],
            best_mode="max",
            keep_checkpoints_without_metrics=False,
        )
        self.folder = folder

    def save(self, step: int, model: nnx.Module, answer: float) -> None:
        """Keep the adapters of `model`, whose held-out answer accuracy is `answer`.

        A run that goes on measures a step again that was kept before it was broken off.
        """
        if step in self._manager.all_steps():
            return
        adapters = nnx.state(model, nnx.LoRAParam)
        saved = self._manager.save(
            step,
            args=arrays.Save.of(adapters),
            metrics={"answer": answer},
        )
        assert saved, f"Orbax did not save step {step}"
        self._manager.wait_until_finished()
        shutil.rmtree(self.folder / DROPPED, ignore_errors=True)

    def best(self) -> int:
        """The step with the highest accuracy; the later one of two that are equal."""
        step = self._manager.best_step()
        assert step is not None, "best() is asked before anything was saved"
        return step

    def answer(self, step: int) -> float:
        """The held-out answer accuracy that was measured at `step`."""
        return float(self._manager.metrics(step)["answer"])  # type: ignore[index]  # it was saved

    def restore(self, step: int, model: nnx.Module) -> None:
        """Put the adapters of `step` into `model`."""
        adapters = nnx.state(model, nnx.LoRAParam)
        leaves: Any = self._manager.restore(step, args=arrays.Restore())
        nnx.update(model, arrays.laid_as(adapters, leaves))

    def close(self) -> None:
        self._manager.close()
