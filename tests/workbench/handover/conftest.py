"""A store with a finished SFT, a GRPO that was killed, an export and people's tags."""

from pathlib import Path

import pytest

from data.store import Store, add, annotations, open_store, runs
from tests.support.store_rows import rows_of

STEPS = (3, 6)  # checkpoints of the GRPO run; a third one was being written


def written(store: Store, path: str, content: str) -> None:
    file = store.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@pytest.fixture
def killed(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "store")
    runs.begin(store, "sft", run="sft-1", stage="sft", config={"a": 1}, seed=0, inputs={})
    written(store, "checkpoints/sft-1/merged/model.safetensors", "weights of SFT" * 100)
    written(store, "checkpoints/sft-1/lock", "")
    runs.end(store, "sft-1", "done", {"model": "checkpoints/sft-1/merged"})
    runs.begin(
        store, "grpo", run="grpo-1", stage="grpo", config={}, seed=0, inputs={}, parent="sft-1"
    )
    for step in STEPS:
        written(store, f"checkpoints/grpo-1/state/{step}/arrays/arrays.safetensors", f"at {step}")
        written(store, f"checkpoints/grpo-1/state/{step}/commit_success.txt", "")
    written(store, "checkpoints/grpo-1/state/9/arrays/arrays.safetensors", "half writ")
    written(store, "checkpoints/grpo-1/state/deleted/0/arrays.safetensors", "old")
    written(store, "checkpoints/grpo-1/adapters/4/default/arrays.safetensors", "adapters at 4")
    written(store, "exports/sft-1/model.safetensors", "exported" * 50_000)
    written(store, "exports/.grpo-1.unchecked/model.safetensors", "half")
    metrics = rows_of("metrics", step=[1, 2], name=["loss"] * 2, value=[0.5, 0.25])
    add(store, "metrics", metrics, run="grpo-1")
    annotations.tag_all(store, "generation", ["g1", "g2"], "odd", "me")
    return store
