"""Adapters on disk through Orbax, the best of them kept by held-out answer accuracy."""

import shutil
from pathlib import Path

import jax
import orbax.checkpoint as ocp
from flax import nnx

from pipeline.training_state import DROPPED


class BestAdapters:
    """The adapters of a run at the steps where they were measured; the best is never dropped."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._manager = ocp.CheckpointManager(
            folder.resolve(),  # Orbax takes absolute paths only
            options=ocp.CheckpointManagerOptions(
                max_to_keep=keep,
                best_fn=lambda metrics: metrics["answer"],
                best_mode="max",
                keep_checkpoints_without_metrics=False,
                todelete_subdir=DROPPED,
            ),
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
            args=ocp.args.StandardSave(nnx.to_pure_dict(adapters)),
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
        pure = nnx.to_pure_dict(adapters)
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, pure)
        restored = self._manager.restore(step, args=ocp.args.StandardRestore(abstract))
        nnx.replace_by_pure_dict(adapters, dict(restored))
        nnx.update(model, adapters)

    def close(self) -> None:
        self._manager.close()
