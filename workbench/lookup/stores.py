"""The store that a command or page means, and where in it a trained model lies."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.store import Store, ask, open_store, state


@dataclass(frozen=True)
class Start:
    """A model to go on from: what to load, and which run and stage made it."""

    model: str
    run: str | None
    stage: str


def existing_store(folder: Path) -> Store:
    """The store in `folder`; unlike `open_store`, this makes none."""
    if not (folder / "STORE.json").is_file():
        raise UserError(
            f"{folder} is not a store (no STORE.json in it). Name one with --store or"
            " THINKBENCH_STORE, or make one: thinkbench run --preset tiny"
        )
    return open_store(folder)


def start(store: Store, model: str) -> Start:
    """`model` as a trained run of the store, or else as a name, folder or hub id."""
    known = state(store, model)
    if known is None:
        return Start(model, None, "base")
    trained = (known["summary"] or {}).get("model")  # its place in the store
    if known["event"] != "done" or trained is None:
        raise UserError(
            f"run {model!r} ({known['kind']}, {known['event']}) made no model; expected a run of"
            f" sft or grpo that is done: {', '.join(trained_runs(store)) or 'there is none yet'}"
        )
    return Start(str(store.folder / trained), model, known["stage"])


def latest(store: Store, *kinds: str) -> Start:
    """The model of the newest finished run of one of `kinds`."""
    runs = trained_runs(store, *kinds)
    if not runs:
        raise UserError(
            f"the store has no finished run of {' or '.join(kinds)}. Make one:"
            f" thinkbench {kinds[-1]}, or name a model with --model"
        )
    return start(store, runs[0])


def trained_runs(store: Store, *kinds: str) -> list[str]:
    """Finished runs that made a model, newest first."""
    rows = ask(
        store,
        """
        select run
        from runs
        where event = 'done' and kind in (select unnest($kinds))
        order by ended_at desc, run
        """,
        kinds=list(kinds or ("sft", "grpo")),
    )
    return rows["run"].to_list()
