"""Models of a job: where the store has them, loading them, and the table of checkpoints."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from data.store import Store, add, runs
from pipeline.config import ModelConfig, logits_bytes
from pipeline.model import device_mesh


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A row of the table `checkpoints`.

    metric: accuracy on the held-out problems, over `metric_n` of them
    best:   whether it is the model that the run ends with, with its adapters merged
    """

    run: str
    stage: str
    step: int
    folder: Path
    metric: float | None = None
    metric_n: int | None = None
    best: bool = False


def model_of(store: Store, summary: dict[str, Any]) -> Path:
    """The folder of the model that a stage made. Its path is stored relative to the store."""
    return store.folder / summary["model"]


def path_in_store(store: Store, path: Path) -> str:
    """`path` relative to the store, which may be moved."""
    return path.relative_to(store.folder).as_posix()


def load_model(config: ModelConfig, folder: Path) -> Any:
    """The model in `folder`, in the precision and on the mesh of `config`: `gemma3.Loaded`."""
    from pipeline.model import gemma3  # loads jax, so only here

    return gemma3.load(
        str(folder),
        dtype=config.dtype,
        mesh=device_mesh(config.fsdp, config.tensor_parallel),
        remat=config.remat,
        block_attention=config.block_attention,
        logits_bytes=logits_bytes(config),
    )


def record_checkpoint(store: Store, checkpoint: Checkpoint) -> None:
    """Add a row to the table `checkpoints`, once: a resumed run may repeat a step."""
    name = f"{checkpoint.run}/{checkpoint.step}" + ("/merged" if checkpoint.best else "")
    row = {
        "checkpoint": name,
        "run": checkpoint.run,
        "stage": checkpoint.stage,
        "step": checkpoint.step,
        "path": path_in_store(store, checkpoint.folder),
        "metric": checkpoint.metric,
        "metric_n": checkpoint.metric_n,
        "best": checkpoint.best,
        "at": datetime.now(UTC),
    }
    rows = pl.DataFrame([row], schema_overrides={"metric": pl.Float64, "metric_n": pl.Int64})
    once = runs.fingerprint(checkpoint=name)
    add(store, "checkpoints", rows, run=checkpoint.run, stage=checkpoint.stage, once=once)
