"""A model that two stages of other ranks and scales have changed, without training."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.model import adapter_of, add_adapters, gemma3, merge_adapters, save_adapter
from tests.support.random_model import disturb

RANKS, ALPHAS = (4, 3), (6.0, 9.0)


@dataclass(frozen=True)
class Stages:
    """base: its folder   adapters: of each stage, in PEFT's layout   merged: after both"""

    base: Path
    adapters: list[Path]
    merged: Path


def two_stages(base: Path, folder: Path, noise: float = 0.1) -> Stages:
    """Write the adapters and the model of two stages after `base` to `folder`."""
    start, adapters = gemma3.load(str(base)), []
    for number, (rank, alpha) in enumerate(zip(RANKS, ALPHAS, strict=True)):
        adapted = add_adapters(start.model, rank=rank, alpha=alpha, seed=number, mesh=start.mesh)
        disturb(adapted, number + 1, noise)
        adapters.append(folder / f"peft-{number}")
        save_adapter(adapter_of(adapted, alpha), adapters[-1])
        merge_adapters(adapted, start.model, alpha=alpha)
    return Stages(base, adapters, gemma3.save(start.model, base, folder / "merged"))
