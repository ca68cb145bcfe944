"""Other places that the numbers of training go to besides the store: only those asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.config import LOGS, BadConfig

Write = Callable[[int, str, float], None]  # step, name, value


def writers(names: tuple[str, ...], folder: Path, run: str) -> list[Write]:
    """One for each of `names`: tensorboard writes into `folder`/RUN, wandb to its own service."""
    if wrong := [name for name in names if name not in LOGS]:
        raise BadConfig(f"there is no log {wrong[0]!r}; expected one of {', '.join(LOGS)}")
    makers = {"tensorboard": _tensorboard, "wandb": _wandb}
    return [makers[name](folder, run) for name in dict.fromkeys(names)]


def _tensorboard(folder: Path, run: str) -> Write:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder / run), flush_secs=10)
    return lambda step, name, value: writer.add_scalar(name, value, step)


def _wandb(folder: Path, run: str) -> Write:
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise BadConfig(
            "--log wandb needs the package wandb, which is not installed: pip install wandb"
        ) from error
    session: Any = wandb.init(project="thinkbench", name=run, id=run, resume="allow")
    return lambda step, name, value: session.log({name: value, "step": step})
