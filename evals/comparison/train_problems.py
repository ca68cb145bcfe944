"""Which runs answered train problems: their values are pass rates, and no held-out scores."""

from collections.abc import Sequence

from data.store import OF_TRAIN_PROBLEMS, Store, runs


def answers_train_problems(store: Store, names: Sequence[str]) -> list[str]:
    """Those of `names` (runs, or RUN/STAGE) that are evaluations on train problems."""
    states = {name: runs.state(store, name.partition("/")[0]) for name in names}
    return [name for name, state in states.items() if state and state["kind"] == OF_TRAIN_PROBLEMS]
