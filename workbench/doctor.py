"""Checks what is installed, what is reachable, and the store. Secrets are never shown."""

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

DEVICES_SECONDS = 60  # jax on a TPU host takes tens of seconds to find its chips
NETWORK_SECONDS = 5
LICENSED = "google/gemma-3-1b-it"  # its weights can be downloaded after accepting a licence
HUB = "https://huggingface.co"

ACCELERATORS = ("nvidia[0-9]*", "accel[0-9]*")  # in /dev
LISTED = 5  # names in a message
# a count of the store's health -> what it means and what to do
STORE_FAULTS = {
    "missing_parts": "part(s) of the store are missing: restore them from a backup, or go on"
    " without their rows: thinkbench store repair",
    "crowded_tables": "table(s) of the store have many small parts, which slows queries. Merge"
    " them: thinkbench store compact",
    "foreign_files": "Parquet file(s) in the folders of tables are no parts of the store, so no"
    " question reads them; move them out. See them: thinkbench store repair",
    "half_written": "incomplete file(s) of a killed writer: the next run that ends removes them",
}
NOT_ASKED = {"found": None, "why": "not asked (--no-devices)"}
DEVICES = """
import json, jax
devices = [
    {"kind": d.device_kind, "platform": d.platform,
     "memory_bytes": (d.memory_stats() or {}).get("bytes_limit")}
    for d in jax.devices()
]
print(json.dumps(devices))
"""


def report(folder: Path, ask_devices: bool = True) -> dict[str, Any]:
    """All checks as one object. `problems` lists what to repair; `healthy`: there is none.

    ask_devices: whether a child process may open the accelerator

    notes: what is no fault, but keeps some commands from working
    """
    checks = {
        "python": sys.version.split()[0],
        "packages": packages(),
        "devices": devices() if ask_devices else NOT_ASKED,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "cpus": os.cpu_count(),
        "disk_free_bytes": disk_free(folder),
        "huggingface_credentials": huggingface_token() is not None,
        "kaggle_credentials": has_kaggle_credentials(),
        "gemma": gemma_access(huggingface_token()),
        "store": store_health(folder),
    }
    lines = problems(checks)
    return checks | {"problems": lines, "notes": notes(checks), "healthy": not lines}


def packages() -> list[dict[str, Any]]:
    """Each required package: the required version, the installed one, and whether it fits.

    A package that several extras ask for stands there once, with the first of them.
    """
    from packaging.requirements import Requirement

    rows: dict[str, dict[str, Any]] = {}
    try:
        requirements = importlib.metadata.requires("thinkbench") or []
    except importlib.metadata.PackageNotFoundError:  # run from its folder, never installed
        requirements = ["thinkbench"]
    for line in requirements:
        requirement = Requirement(line)
        extra = line.partition("extra ==")[2].strip(" '\"") or None
        try:
            installed = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            installed = None
        row = {
            "package": requirement.name,
            "asked": str(requirement.specifier) or "any",
            "installed": installed,
            "extra": extra,
            "fits": installed is not None and requirement.specifier.contains(installed),
        }
        if requirement.name not in rows or extra in ("train", None):
            rows[requirement.name] = row
    return list(rows.values())


def devices() -> dict[str, Any]:
    """The devices of jax, from a process of its own: an accelerator belongs to one process."""
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-c", DEVICES],
            capture_output=True,
            text=True,
            timeout=DEVICES_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"found": None, "why": f"jax did not answer within {DEVICES_SECONDS} s"}
    if answer.returncode:
        last = answer.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"found": None, "why": last[0]}
    return {"found": json.loads(answer.stdout.splitlines()[-1]), "why": None}


def disk_free(folder: Path) -> int:
    """Free space [bytes] on the disk of the store, whether that exists or not."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def huggingface_token() -> str | None:
    """The token that the Hugging Face library would use, or None."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return os.environ[name]
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    file = Path(os.environ.get("HF_TOKEN_PATH", home / "token"))
    return (file.read_text().strip() or None) if file.is_file() else None


def has_kaggle_credentials() -> bool:
    """Whether kagglehub would find credentials, in the environment or in a file."""
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR", Path.home() / ".kaggle"))
    return bool(
        os.environ.get("KAGGLE_API_TOKEN")
        or (os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"))
        or (folder / "kaggle.json").is_file()
        or (folder / "access_token").is_file()
    )


def gemma_access(token: str | None) -> str:
    """Whether Gemma's weights can be downloaded: requests the headers of one small file."""
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
    """The meaning of an HTTP status for licensed weights."""
    if status == 401 and not has_token:
        return "refused: no credentials. Set HF_TOKEN or run `hf auth login`"
    if status == 401:
        return "refused: the token is invalid. Create a new one and set HF_TOKEN"
    if status == 403:
        return f"refused: accept the licence at {HUB}/{LICENSED} with the token's account"
    return f"unknown: huggingface.co answered with status {status}"


def store_health(folder: Path) -> dict[str, Any]:
    """The health of the store; a folder without a store is no fault."""
    if not (folder / "STORE.json").is_file():
        absent: dict[str, Any] = {"folder": str(folder), "exists": False}
        if (folder / "state.db").exists() or any(folder.glob("*/*/*.parquet")):
            absent["error"] = (
                f"{folder} holds data of a store but no STORE.json, which makes it one. Restore"
                " that file from a backup, or name another folder with --store."
            )
        return absent
    from data.store import open_store
    from data.store.files import StoreError
    from data.store.upkeep import health

    try:
        return {
            "folder": str(folder),
            "exists": True,
            **health(open_store(folder)),
            "damaged_parts": damaged_parts(folder),
        }
    except StoreError as error:
        return {"folder": str(folder), "exists": True, "error": str(error)}
    except OSError as error:  # a file in place of a folder, an unreadable disk
        why = f"{error}. Restore the store from a backup, or name another folder with --store."
        return {"folder": str(folder), "exists": True, "error": why}


def damaged_parts(folder: Path) -> list[str]:
    """Parts that are no whole Parquet files, relative to the store. It reads their last bytes."""
    import polars as pl

    from data.store import parts

    damaged = []
    for table in parts.FOLDERS.values():
        for path in sorted((folder / table).rglob("*.parquet")):
            try:
                pl.read_parquet_schema(path)
            except (OSError, pl.exceptions.PolarsError):
                damaged.append(str(path.relative_to(folder)))
    return damaged


def notes(checks: dict[str, Any]) -> list[str]:
    """What is no fault, but keeps some commands from working as people may expect."""
    missing = [row["package"] for row in checks["packages"] if _is_missing_for(row, "train")]
    if not missing:
        return []
    return [
        f"Commands that train or run a model do not work: {', '.join(missing)} not installed."
        " Install them: pip install 'thinkbench[train]'"
    ]


def _is_missing_for(row: dict[str, Any], extra: str) -> bool:
    return row["extra"] == extra and row["installed"] is None


def unused_accelerators(checks: dict[str, Any]) -> list[str]:
    """Device files of accelerators of this machine, where jax has the CPU only."""
    platforms = {row["platform"] for row in checks.get("devices", {}).get("found") or ()}
    if platforms != {"cpu"} or os.environ.get("JAX_PLATFORMS") == "cpu":
        return []
    return sorted(str(path) for name in ACCELERATORS for path in Path("/dev").glob(name))


def problems(checks: dict[str, Any]) -> list[str]:
    """Each problem with what to do. A missing optional package is none."""
    unfit = [row for row in checks["packages"] if not row["fits"] and needed(row)]
    lines = [
        f"{row['package']} {row['installed'] or 'is not installed'}: expected {row['asked']}."
        " Install from the lock: make .venv/.installed"
        for row in unfit
    ]
    store = checks["store"]
    lines += [store["error"]] if "error" in store else []
    if damaged := store.get("damaged_parts"):
        lines.append(
            f"{len(damaged)} part(s) of the store are damaged: {', '.join(damaged[:LISTED])}."
            " Restore them from a backup, or go on without their rows: thinkbench store repair"
        )
    if accelerators := unused_accelerators(checks):
        lines.append(
            f"{', '.join(accelerators[:LISTED])} are here, but jax computes on the CPU only."
            " Install jax for them: see https://docs.jax.dev/en/latest/installation.html"
        )
    return lines + [
        f"{store[name]} {what}" for name, what in STORE_FAULTS.items() if store.get(name)
    ]


def needed(row: dict[str, Any]) -> bool:
    """Whether a package must fit: one of an extra only where some version is installed."""
    return row["extra"] is None or row["installed"] is not None
