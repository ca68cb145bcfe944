"""Work that is killed at random moments and goes on, beside work that is left alone.

    python -m tests.support.kill sft|grpo|eval FOLDER [KILLS] [SEED]

Trains the bundled model, or lets it answer, in one go, and in runs that are killed (SIGKILL) KILLS
times in all. GRPO goes on from a cold start, without which no text has the tags and nothing is
learned. Prints one JSON object: after how many seconds each was killed, and whose weights or rows
differ.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from data.store.store import ask, open_store

ROOT = Path(__file__).parents[2]
KNOBS = {
    "start": ["sft", "--model", "tiny", "--steps", "60"],
    "sft": ["sft", "--model", "tiny", "--steps", "24", "--batch", "4", "--checkpoint-every", "3"],
    "grpo": [
        "grpo", "--steps", "12", "--prompts", "4", "--group", "4", "--max-tokens", "64",
        "--learning-rate", "5e-4", "--evaluate-every", "4", "--checkpoint-every", "3",
        "--guard", "warn",
    ],
    "eval": ["eval", "--model", "tiny", "--samples", "4", "--temperature", "1", "--batch", "16",
             "--limit", "250", "--max-tokens", "64"],
}  # fmt: skip
ROWS = {
    "metrics": "select name, step, value from metrics where run like $kind order by all",
    "rollouts": 'select * exclude (run) from rollouts order by step, "group", sample',
    "checkpoints": "select step, metric, metric_n, best from checkpoints order by all",
    "generations": "select problem_id, sample, text, tokens, finish from generations order by all",
}


def begun(store: Path, kind: str) -> subprocess.Popen[bytes]:
    """The command, started."""
    command = [
        *(
            sys.executable,
            "-c",
            "from workbench.cli.main import main; main()",
            "--store",
            str(store),
        ),
        *(*KNOBS[kind], "--set", "data.heldout=8", "--json"),
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
    merged = sorted((store / "checkpoints").glob(f"{kind}-*/merged/model.safetensors"))
    assert len(merged) == (kind != "eval")
    opened = open_store(store)
    rows = {
        table: ask(opened, query, **({"kind": f"{kind}%"} if "$kind" in query else {})).rows()
        for table, query in ROWS.items()
    }
    weights = [hashlib.sha256(path.read_bytes()).hexdigest() for path in merged]
    return {"weights": weights, **rows}


def learned(store: Path) -> dict[str, Any]:
    """That GRPO had something to learn: steps with rollouts, those with any advantage, a change."""
    steps = ask(
        open_store(store),
        "select step, max(abs(advantage)) as most from rollouts group by 1 order by 1",
    )
    [start] = (store / "checkpoints").glob("sft-*/merged/model.safetensors")
    [merged] = (store / "checkpoints").glob("grpo-*/merged/model.safetensors")
    return {
        "steps": steps.height,
        "with_advantage": steps.filter(steps["most"] > 0).height,
        "weights_changed": start.read_bytes() != merged.read_bytes(),
    }


def main(kind: str, folder: Path, kills: int = 20, seed: int = 0) -> dict[str, Any]:
    """The object that is printed. A run that ends between two kills is followed by another."""
    rng = random.Random(seed)
    start = folder / "start"
    start.mkdir(parents=True, exist_ok=True)
    if kind == "grpo":
        to_the_end(start, "start")

    def new(name: str) -> Path:
        return Path(shutil.copytree(start, folder / name))

    to_the_end(new("warm"), kind)  # fills the caches of what both import
    seconds = to_the_end(new("alone"), kind)
    alone = left_by(folder / "alone", kind)
    moments: list[list[float]] = []
    differ: list[str] = []
    while sum(map(len, moments)) < kills:
        store = new(f"killed-{len(moments)}")
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
        **({"learned": learned(folder / "alone")} if kind == "grpo" else {}),
        "differ": differ,
    }


if __name__ == "__main__":
    kind, folder, *numbers = sys.argv[1:]
    print(json.dumps(main(kind, Path(folder), *map(int, numbers))))
