"""What is installed, what can be reached and how the store is. Secrets are never shown."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from workbench.cli.output import tables

DEVICES_SECONDS = 60  # jax on a TPU host takes tens of seconds to find its chips
NETWORK_SECONDS = 5
LICENSED = "google/gemma-3-1b-it"  # its weights are given out after a licence is accepted
HUB = "https://huggingface.co"

# count of a store's health -> what it means and what to do
STORE_FAULTS = {
    "missing_parts": "part(s) of the store are gone: restore them from a backup",
    "crowded_tables": "table(s) of the store have many small parts, and questions become slow:"
    " end the runs that are still open",
    "half_written": "file(s) were left half-written by a writer that was killed: the next run that"
    " ends removes them",
}
DEVICES = """
import json, jax
found = [
    {"kind": d.device_kind, "platform": d.platform,
     "memory_bytes": (d.memory_stats() or {}).get("bytes_limit")}
    for d in jax.devices()
]
print(json.dumps(found))
"""


def report(folder: Path) -> dict[str, Any]:
    """Everything as one object. `problems` lists what to mend; empty when all is well."""
    found = {
        "python": sys.version.split()[0],
        "packages": packages(),
        "devices": devices(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "cpus": os.cpu_count(),
        "disk_free_bytes": disk_free(folder),
        "huggingface_credentials": huggingface_token() is not None,
        "kaggle_credentials": has_kaggle_credentials(),
        "gemma": gemma_access(huggingface_token()),
        "store": store_health(folder),
    }
    return found | {"problems": problems(found)}


def packages() -> list[dict[str, Any]]:
    """Each package that this project asks for: the version asked and installed, and if it fits."""
    from packaging.requirements import Requirement

    rows = []
    try:
        asked = importlib.metadata.requires("thinkbench") or []
    except importlib.metadata.PackageNotFoundError:  # run from its folder, never installed
        asked = ["thinkbench"]
    for line in asked:
        requirement = Requirement(line)
        extra = line.partition("extra ==")[2].strip(" '\"") or None
        try:
            installed = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            installed = None
        rows.append(
            {
                "package": requirement.name,
                "asked": str(requirement.specifier) or "any",
                "installed": installed,
                "extra": extra,
                "fits": installed is not None and requirement.specifier.contains(installed),
            }
        )
    return rows


def devices() -> dict[str, Any]:
    """What jax finds, asked in a process of its own: an accelerator belongs to one process."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", DEVICES], capture_output=True, text=True, timeout=DEVICES_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {"found": None, "why": f"jax did not answer within {DEVICES_SECONDS} s"}
    if asked.returncode:
        last = asked.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"found": None, "why": last[0]}
    return {"found": json.loads(asked.stdout.splitlines()[-1]), "why": None}


def disk_free(folder: Path) -> int:
    """Free space [bytes] on the disk that holds the store, or will."""
    folder = folder.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free


def huggingface_token() -> str | None:
    """The token that Hugging Face's own library would use, or None."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return os.environ[name]
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    file = Path(os.environ.get("HF_TOKEN_PATH", home / "token"))
    return (file.read_text().strip() or None) if file.is_file() else None


def has_kaggle_credentials() -> bool:
    """Whether one of the places that kagglehub reads has something."""
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR", Path.home() / ".kaggle"))
    return bool(
        os.environ.get("KAGGLE_API_TOKEN")
        or (os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"))
        or (folder / "kaggle.json").is_file()
        or (folder / "access_token").is_file()
    )


def gemma_access(token: str | None) -> str:
    """Whether Gemma's weights can be fetched: asks for the head of one small file of them."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(
        f"{HUB}/{LICENSED}/resolve/main/config.json", headers=headers, method="HEAD"
    )
    try:
        with urllib.request.urlopen(request, timeout=NETWORK_SECONDS):
            return "can be fetched"
    except urllib.error.HTTPError as error:
        return refusal(error.code, token is not None)
    except OSError:  # URLError and timeouts are OSErrors
        return "unknown: no network to huggingface.co"


def refusal(status: int, has_token: bool) -> str:
    """What an HTTP status on licensed weights means."""
    if status == 401 and not has_token:
        return "refused: no credentials. Set HF_TOKEN or run `hf auth login`"
    if status == 401:
        return "refused: the token is not valid. Make a new one and set HF_TOKEN"
    if status == 403:
        return f"refused: accept the licence at {HUB}/{LICENSED} with the token's account"
    return f"unknown: huggingface.co answered with status {status}"


def store_health(folder: Path) -> dict[str, Any]:
    """What the store says of itself; a folder without one is not a fault."""
    if not (folder / "STORE.json").is_file():
        return {"folder": str(folder), "exists": False}
    from data.store import StoreError, health, open_store

    try:
        return {"folder": str(folder), "exists": True, **health(open_store(folder))}
    except StoreError as error:
        return {"folder": str(folder), "exists": True, "error": str(error)}
    except OSError as error:  # a file where a folder belongs, a disk that cannot be read
        why = f"{error}. Restore the store from a backup, or name another folder with --store."
        return {"folder": str(folder), "exists": True, "error": why}


def problems(found: dict[str, Any]) -> list[str]:
    """What does not fit, with what to do. A missing optional part is none."""
    unfit = [row for row in found["packages"] if not row["fits"] and needed(row)]
    lines = [
        f"{row['package']} {row['installed'] or 'is not installed'}: expected {row['asked']}."
        " Install from the lock: make .venv/.installed"
        for row in unfit
    ]
    store = found["store"]
    lines += [store["error"]] if "error" in store else []
    return lines + [
        f"{store[name]} {what}" for name, what in STORE_FAULTS.items() if store.get(name)
    ]


def needed(row: dict[str, Any]) -> bool:
    """A package of no extra always is; one of an extra only where another version is installed."""
    return row["extra"] is None or row["installed"] is not None


def show(value: dict[str, Any]) -> None:
    """The same for people."""
    rows = [
        [row["package"], row["asked"], row["installed"] or "-", row["extra"] or "", verdict(row)]
        for row in value["packages"]
    ]
    found = value["devices"]["found"]
    facts = [
        ["Python", value["python"]],
        ["CPUs", str(value["cpus"])],
        ["memory", size(value["memory_bytes"])],
        ["disk free", size(value["disk_free_bytes"])],
        [
            "devices",
            ", ".join(map(device, found)) if found else f"unknown: {value['devices']['why']}",
        ],
        ["Hugging Face credentials", present(value["huggingface_credentials"])],
        ["Kaggle credentials", present(value["kaggle_credentials"])],
        [f"{LICENSED}", value["gemma"]],
        *([f"store {name}", tables.count(item)] for name, item in value["store"].items()),
    ]
    tables.show(
        tables.table(
            "Packages", ["package", "asked", "installed", "extra", "verdict"], rows, words=True
        ),
        tables.table("Machine and access", ["what", "found"], facts, words=True),
        *(value["problems"] or ["No problems found."]),
    )


def verdict(row: dict[str, Any]) -> str:
    if row["fits"]:
        return "fits"
    return "does not fit" if needed(row) else "not installed"


def device(found: dict[str, Any]) -> str:
    memory = found["memory_bytes"]
    return f"{found['kind']} ({size(memory)})" if memory else found["kind"]


def present(there: bool) -> str:
    return "present" if there else "none"


def size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
