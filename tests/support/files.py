"""Files that tests write."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write a row per line to `path`; returns it."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path
