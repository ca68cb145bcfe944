"""The model that a command starts from: a trained run of the store, a folder or a hub id."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.store import TRAINING, Store, ask, state

BUNDLED = ("tiny",)  # models that no run without a model can hide, whatever its name


@dataclass(frozen=True)
class StartingModel:
    """model: folder, name or hub id to load   run, stage: which run of the store trained it"""

    model: str
    run: str | None
    stage: str


def starting_model(store: Store, model: str) -> StartingModel:
    """`model` as a trained run of the store, or else as a name, folder or hub id."""
    run = state(store, model)
    folder = ((run or {}).get("summary") or {}).get("model")  # relative to the store
    if run is None or (folder is None and model in BUNDLED):
        return StartingModel(model, None, "base")
    if run["event"] != "done" or folder is None:
        raise UserError(
            f"run {model!r} ({run['kind']}, {run['event']}) has no model; expected a finished run"
            f" of sft, dpo or grpo: {', '.join(trained_runs(store)) or 'there is none yet'}"
        )
    return StartingModel(str(store.folder / folder), model, run["stage"])


def latest_model(store: Store, *kinds: str) -> StartingModel:
    """The model of the newest finished run of one of `kinds`."""
    runs = trained_runs(store, *kinds)
    if not runs:
        raise UserError(
            f"the store has no finished run of {' or '.join(kinds)}. Start one:"
            f" thinkbench {kinds[-1]}, or name a model with --model"
        )
    return starting_model(store, runs[0])


def adapter_folder(store: Store, run: str) -> Path:
    """Where `export --as adapter` writes the adapter of a run."""
    return store.folder / "exports" / f"{run}-adapter"


def trained_runs(store: Store, *kinds: str) -> list[str]:
    """Finished runs that have a model, newest first. kinds: by default all that train"""
    rows = ask(
        store,
        """
        select run
        from runs
        where event = 'done' and kind in (select unnest($kinds))
        order by ended_at desc, run
        """,
        kinds=list(kinds or TRAINING),
    )
    return rows["run"].to_list()
