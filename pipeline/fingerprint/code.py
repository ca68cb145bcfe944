"""What a stage's result depends on besides its values: our files, and packages by version."""

import hashlib
import json
from functools import cache

from data.store import Store, files, fingerprint
from pipeline.fingerprint.imports import (
    ROOT,
    Sources,
    files_imported_by,
    packages_imported_by,
    sources_in,
)
from pipeline.fingerprint.loaded import load, loaded
from pipeline.fingerprint.packages import versions_of

FOLDER = "code"  # of the store: what each hash of code is made of

Code = dict[str, str]  # path of a file -> its hash, and package -> its version


def code_of(module: str) -> Code:
    """The code of the stage in `module`, all of which is loaded now.

    CodeChanged where files changed since this process started, so that it would be of two versions.
    """
    code = _loaded_code(module)
    load([name for name in code if "/" in name])
    return code


@cache
def _loaded_code(module: str) -> Code:
    return code_in(module, loaded().sources)


def code_on_disk(module: str) -> Code:
    """The code of `module` as another process would load it now."""
    return code_in(module, sources_in(ROOT))


def code_in(module: str, sources: Sources) -> Code:
    """The code of `module` among these sources."""
    paths = files_imported_by(module, sources)
    digests = {path: hashlib.sha256(sources[path]).hexdigest()[:16] for path in paths}
    return digests | versions_of(packages_imported_by(paths, sources))


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
    packages = sorted(name for name in names if "/" not in name)
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
