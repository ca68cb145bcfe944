"""Import of a rollout log of a million rollouts: seconds, rollouts a second, and memory.

    python -m benchmarks.evaluation.import_rollouts

A log as verl writes it, a file a step: 8 rollouts a group, 64 groups a step, texts of 1.2 kB, 7,000
distinct problems. Nothing else imports such logs, so nothing is beside it. The memory is the most
that the process had, also after a tenth of the rollouts: what grows with the log would show.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from data.store import open_store
from evals.imports.rollout_logs import import_rollouts

GROUP, GROUPS, PROBLEMS = 8, 64, 7_000
THOUGHT = "So there are {} boxes with 4 pens each, and 4 * 12 = 48 pens. " * 20


def make(folder: Path, rollouts: int, seed: int = 0) -> None:
    """Write about so many rollouts, whole steps, to `folder`."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for step in range(1, rollouts // (GROUP * GROUPS) + 1):
        problems = rng.integers(0, PROBLEMS, GROUPS)
        lines = []
        for problem in problems:
            for score in rng.integers(0, 2, GROUP):
                number = int(rng.integers(0, 1_000))
                row = {
                    "input": f"user\nAnn has {problem} boxes. How many pens?\nmodel\n",
                    "output": THOUGHT.replace("{}", str(number)) + f"#### {48 + int(score)}",
                    "gts": "48",
                    "score": float(score),
                    "step": step,
                    "acc": bool(score),
                }
                lines.append(json.dumps(row) + "\n")
        (folder / f"{step}.jsonl").write_text("".join(lines))


def measured(rollouts: int) -> list[dict[str, Any]]:
    rows = []
    for n in (rollouts // 10, rollouts):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder, "log"), n)
            store = open_store(Path(folder, "store"))
            begin = time.perf_counter()
            summary = import_rollouts(store, Path(folder, "log"), "made")
            seconds = time.perf_counter() - begin
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        case = f"import of {summary['imported']} rollouts"
        rows += [
            {"case": case, "ours": round(seconds, 1), "theirs": None, "unit": "s", "ratio": None},
            {"case": case, "ours": round(memory), "theirs": None, "unit": "MiB at most",
             "ratio": None},
        ]  # fmt: skip
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    report("import_rollouts", measured(arguments.rollouts), arguments.json)
