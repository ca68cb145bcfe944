"""Metrics to TensorBoard and wandb besides the store, where the user asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import distributed
from pipeline.config import LOGS, BadConfig

STEP = "step"  # of training, which a resumed run repeats; wandb's own step only ever increases


@dataclass(frozen=True)
class Writer:
    """write: takes step, name and value   flush: sends what was written   close: ends the log"""

    write: Callable[[int, str, float], None]
    flush: Callable[[], None]
    close: Callable[[], None]


def writers(names: tuple[str, ...], folder: Path, run: str) -> list[Writer]:
    """One for each of `names`: tensorboard writes to `folder`/`run`, wandb to its service.

    Each of several processes has its own folder, but only the first one writes to wandb.
    """
    if wrong := [name for name in names if name not in LOGS]:
        raise BadConfig(f"there is no log {wrong[0]!r}; expected one of {', '.join(LOGS)}")
    makers = {"tensorboard": _tensorboard, "wandb": _wandb}
    wanted = [name for name in dict.fromkeys(names) if name != "wandb" or distributed.is_first()]
    return [makers[name](folder, run) for name in wanted]


def _tensorboard(folder: Path, run: str) -> Writer:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder / run), flush_secs=10)

    def write(step: int, name: str, value: float) -> None:
        writer.add_scalar(name, value, step)

    return Writer(write, writer.flush, writer.close)


def _wandb(folder: Path, run: str) -> Writer:
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise BadConfig(
            "--log wandb needs the package wandb, which is not installed: pip install wandb"
        ) from error
    # a stage that failed may have left its run open, which `init` would return by default
    session: Any = wandb.init(
        project="thinkbench", name=run, id=run, resume="allow", reinit="finish_previous"
    )
    session.define_metric(STEP, hidden=True)
    session.define_metric("*", step_metric=STEP)
    rows = _Rows(session)
    return Writer(rows.write, rows.flush, rows.close)


class _Rows:
    """Collects the numbers of one step into one row of wandb's history."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.step: int | None = None
        self.row: dict[str, float] = {}

    def write(self, step: int, name: str, value: float) -> None:
        if step != self.step or name in self.row:
            self.flush()
        self.step = step
        self.row[name] = value

    def flush(self) -> None:
        if self.row:
            self.session.log({**self.row, STEP: self.step})
        self.row = {}

    def close(self) -> None:
        self.flush()
        self.session.finish()
