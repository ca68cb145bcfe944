"""Timings of this project beside what one would use instead, in one process, as ratios."""

import json
import os
import platform
from typing import Any


def report(benchmark: str, rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print what was measured; a ratio above 1 is in our favour."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    if as_json:
        print(json.dumps({"benchmark": benchmark, "machine": machine, "rows": rows}))
        return
    print(f"{benchmark} on {machine}")
    for row in rows:
        beside = "" if row["theirs"] is None else f"  theirs {row['theirs']}  ratio {row['ratio']}"
        print(f"{row['case']}: ours {row['ours']} {row['unit']}{beside}")
