"""What a stage's result depends on besides its values: our files, and packages by version."""

import hashlib
import json
from functools import cache
from importlib import metadata
from pathlib import Path

from data.store import Store, files, fingerprint
from pipeline.fingerprint.imports import ROOT, files_imported_by

# Packages that the numbers of training depend on; grain and numpy decide the order of the data.
TRAINERS = ("google-tunix", "jax", "jaxlib", "flax", "qwix", "optax", "grain", "numpy",
            "transformers", "tokenizers")  # fmt: skip
FOLDER = "code"  # of the store: what each hash of code is made of

Code = dict[str, str]  # path of a file -> its hash, and package -> its version


@cache
def code_of(module: str, root: Path = ROOT) -> Code:
    """The code of the stage in `module`."""
    paths = files_imported_by(module, root)
    sources = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in paths
    }
    return sources | {package: metadata.version(package) for package in TRAINERS}


def hash_of(code: Code) -> str:
    return fingerprint(code=code)


def record(store: Store, code: Code) -> str:
    """Keep in the store what the hash of `code` is made of; the hash."""
    digest = hash_of(code)
    path = f"{FOLDER}/{digest}.json"
    if not files.exists(store.folder, path):
        text = json.dumps(code, indent=0, sort_keys=True)
        with files.explained(store.folder):
            files.write(store.folder, [(path, text.encode())])
    return digest


def recorded(store: Store, digest: str) -> Code | None:
    """The code of this hash; None where the store does not have it."""
    file = store.folder / FOLDER / f"{digest}.json"
    return json.loads(file.read_text()) if file.is_file() else None


def changes(before: Code, now: Code) -> str:
    """What differs, by name: files that changed, are new or are gone, and packages."""
    names = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    packages = sorted(name for name in names if name in TRAINERS)
    groups = {
        "changed": [name for name in names & before.keys() & now.keys() if name not in packages],
        "new": [name for name in names - before.keys() if name not in packages],
        "gone": [name for name in names - now.keys() if name not in packages],
    }
    parts = [f"{word}: {', '.join(sorted(group))}" for word, group in groups.items() if group]
    parts += [
        f"{name} was {before.get(name, 'unknown')} and is {now.get(name, 'unknown')}"
        for name in packages
    ]
    return "; ".join(parts)
