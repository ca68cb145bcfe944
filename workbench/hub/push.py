"""Sending a folder to a hub, or writing what would be sent."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import Store
from workbench.hub.folders import (
    adapter_of_model_folder,
    add_kaggle_metadata,
    dataset_folder,
    evaluation_folder,
    model_folder,
)
from workbench.hub.hugging_face import send

WRITERS: dict[str, Callable[[Store, str, Path], dict[str, Any]]] = {
    "subset": dataset_folder,
    "model": model_folder,
    "adapter": adapter_of_model_folder,
    "evaluation": evaluation_folder,
}
HUBS = ("huggingface", "kaggle")
TARGET = re.compile(r"(huggingface|kaggle):([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)")
SEND = {"dataset": "kaggle datasets create -p {}", "model": "kaggle models create -p {}"}


def target(text: str) -> tuple[str, str]:
    """Hub and repository of `huggingface:owner/name` or `kaggle:owner/name`."""
    match = TARGET.fullmatch(text)
    if match is None:
        raise UserError(
            f"{text!r} names no repository; expected huggingface:OWNER/NAME or kaggle:OWNER/NAME"
        )
    return match[1], match[2]


def write_folder(store: Store, what: str, name: str, to: str, out: Path) -> dict[str, Any]:
    """Write to the new folder `out` what would be sent; whole or not at all."""
    hub, repository = target(to)
    if out.exists():
        raise UserError(f"{out} exists already; name another folder or move it away")
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as beside:
        folder = Path(beside) / "folder"
        value = WRITERS[what](store, name, folder)
        if hub == "kaggle":
            add_kaggle_metadata(folder, value["kind"], repository)
        folder.rename(out)
    paths = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    size = sum((out / path).stat().st_size for path in paths)
    command = SEND[value["kind"]].format(out) if hub == "kaggle" else ""
    return value | {"to": to, "path": str(out), "files": paths, "bytes": size, "send": command}


def push(store: Store, what: str, name: str, to: str, private: bool) -> dict[str, Any]:
    """Send it to Hugging Face, with the token that its library finds; the address."""
    hub, repository = target(to)
    if hub == "kaggle":
        raise UserError(
            "Kaggle takes a folder from its own command: add --dry-run --out FOLDER, then give the"
            " command that is printed."
        )
    folder = Path(tempfile.mkdtemp("-thinkbench-push")) / "folder"
    try:
        value = write_folder(store, what, name, to, folder)
        message = f"{value['name']}, by thinkbench"
        address = send(folder, value["kind"], repository, private, message)
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
    return value | {"path": None, "address": address}
