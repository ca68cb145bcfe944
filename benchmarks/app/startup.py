"""How long `thinkbench --help` takes to start, beside the command lines of other packages.

    python -m benchmarks.app.startup

The fastest of five starts each; the first line is Python alone.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

STARTS = 5
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "thinkbench --help": [sys.executable, "-m", "workbench", "--help"],
    "thinkbench sft --help": [sys.executable, "-m", "workbench", "sft", "--help"],
    "streamlit --help": ["streamlit", "--help"],
    "hf --help": ["hf", "--help"],
}


def seconds(command: list[str]) -> float:
    """The fastest of a few starts [s]."""
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    folder = Path(sys.executable).parent
    for name, command in COMMANDS.items():
        program = shutil.which(command[0], path=f"{folder}") or shutil.which(command[0])
        if program is not None:
            print(f"{name:24} {seconds([program, *command[1:]]):.2f} s")


if __name__ == "__main__":
    main()
