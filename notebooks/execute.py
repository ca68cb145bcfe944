"""Executes the notebook from end to end and says how long each cell took.

    python notebooks/execute.py OUT.ipynb [JSON]

JSON changes values of the notebook's configuration. The executed notebook is written to OUT.ipynb,
also where a cell failed; paths of this machine are replaced in its outputs.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).with_name("reasoning_revolution.ipynb")
HOURS = 60 * 60
NAMED = ("previous", "work", "output")  # paths in the configuration


def execute(out: Path, changes: dict[str, Any]) -> list[tuple[str, float]]:
    """Run all cells with the kernel of this Python; first line and seconds of each code cell."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    times: list[tuple[str, float]] = []
    began: dict[int, float] = {}

    def starts(cell: Any, cell_index: int) -> None:
        began[cell_index] = time.monotonic()

    def ends(cell: Any, cell_index: int, **reply: Any) -> None:
        if cell.cell_type == "code":
            first = cell.source.splitlines()[0]
            times.append((first, time.monotonic() - began[cell_index]))

    os.environ["THINKBENCH_NOTEBOOK"] = json.dumps(changes)
    client = NotebookClient(
        notebook,
        timeout=4 * HOURS,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        record_timing=False,
        on_cell_execute=starts,
        on_cell_executed=ends,
    )
    try:
        client.execute()
    finally:
        text = nbformat.writes(notebook)
        for path, name in _local_paths(changes).items():
            text = text.replace(path, name)
        out.write_text(text, encoding="utf-8")
    return times


def _local_paths(changes: dict[str, Any]) -> dict[str, str]:
    """Paths of this machine -> what stands for them in the outputs."""
    values = {sys.executable: "python", str(NOTEBOOK.parents[1]): "thinkbench"}
    return values | {str(changes[name]): name for name in NAMED if changes.get(name)}


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    given = json.loads(sys.argv[2]) if len(sys.argv) == 3 else {}
    for line, seconds in execute(Path(sys.argv[1]), given):
        print(f"{seconds:7.1f} s  {line[:80]}")
