"""A file of JSON lines that a command writes for a person: whole, and never over another one."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import UserError


@contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield what writes one object as a line; the file has its name once all are written.

    None: nothing is written.
    """
    if path is None:
        yield lambda row: None
        return
    if path.exists():
        raise UserError(f"{path} exists already; name another file or move it away")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("x", encoding="utf-8") as file:
            yield lambda row: print(json.dumps(row, ensure_ascii=False, allow_nan=False), file=file)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
