"""Training that is killed at random moments and goes on, beside training that is left alone.

    python -m tests.kill sft|grpo FOLDER [KILLS] [SEED]

Trains the bundled model in one go, and in runs that are killed (SIGKILL) KILLS times in all.
Prints one JSON object: after how many seconds each was killed, and whose weights or rows differ.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from data.store import ask, open_store

ROOT = Path(__file__).parent.parent
KNOBS = {
    "sft": ["--steps", "24", "--batch", "4", "--checkpoint-every", "3"],
    "grpo": [
        "--steps", "12", "--prompts", "2", "--group", "4", "--max-tokens", "16",
        "--evaluate-every", "4", "--checkpoint-every", "3",
    ],
}  # fmt: skip
ROWS = {
    "metrics": "select name, step, value from metrics where run like $kind order by all",
    "rollouts": 'select * exclude (run) from rollouts order by step, "group", sample',
    "checkpoints": "select step, metric, metric_n, best from checkpoints order by all",
}


def begun(store: Path, kind: str) -> subprocess.Popen[bytes]:
    """The command, started."""
    command = [
        *(sys.executable, "-c", "from workbench.cli import main; main()", "--store", str(store)),
        *(kind, "--model", "tiny", *KNOBS[kind], "--set", "data.heldout=8", "--json"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)


def to_the_end(store: Path, kind: str) -> float:
    """Run without a kill; the seconds it took."""
    started = time.monotonic()
    if code := begun(store, kind).wait():
        raise SystemExit(f"{kind} ended with {code} in {store}")
    return time.monotonic() - started


def killed(store: Path, kind: str, most: int, seconds: float, rng: random.Random) -> list[float]:
    """Kill it up to `most` times, each after a random part of `seconds`, then let it end."""
    moments: list[float] = []
    while len(moments) < most:
        process, moment = begun(store, kind), rng.uniform(0.3, 1.0) * seconds
        try:
            process.wait(moment)
            break  # it came to its end before
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            moments.append(round(moment, 1))
    to_the_end(store, kind)
    return moments


def left_by(store: Path, kind: str) -> dict[str, Any]:
    """What a run left: the hash of its weights, and its rows without times."""
    [merged] = (store / "checkpoints").glob(f"{kind}-*/merged/model.safetensors")
    opened = open_store(store)
    rows = {
        table: ask(opened, query, **({"kind": f"{kind}%"} if "$kind" in query else {})).rows()
        for table, query in ROWS.items()
    }
    return {"weights": hashlib.sha256(merged.read_bytes()).hexdigest(), **rows}


def main(kind: str, folder: Path, kills: int = 20, seed: int = 0) -> dict[str, Any]:
    """The object that is printed. A run that ends between two kills is followed by another."""
    rng = random.Random(seed)
    to_the_end(folder / "warm", kind)  # fills the caches of what both import
    seconds = to_the_end(folder / "alone", kind)
    alone = left_by(folder / "alone", kind)
    moments: list[list[float]] = []
    differ: list[str] = []
    while sum(map(len, moments)) < kills:
        store = folder / f"killed-{len(moments)}"
        moments.append(killed(store, kind, kills - sum(map(len, moments)), seconds, rng))
        broken = left_by(store, kind)
        differ += [f"{store.name}: {name}" for name in alone if alone[name] != broken[name]]
    return {
        "kind": kind,
        "seconds": round(seconds, 1),
        "kills": sum(map(len, moments)),
        "runs": len(moments),
        "moments": moments,
        "rows": {table: len(alone[table]) for table in ROWS},
        "differ": differ,
    }


if __name__ == "__main__":
    kind, folder, *numbers = sys.argv[1:]
    print(json.dumps(main(kind, Path(folder), *map(int, numbers))))
