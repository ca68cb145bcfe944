"""What a stage reads from the store, and hashes of it: a stage runs again when these change."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from data.store import Store, ask
from evals.problems import NoProblems as NoProblems
from evals.problems import Problems as Problems
from evals.problems import hash_of_rows as hash_of_rows
from evals.problems import problems_of as problems_of
from pipeline.config import PRESETS
from pipeline.sft import Example

SOURCE_FLOORS = ("data", "evals", "pipeline")
DECIDE = (".py", ".toml")  # code, and the tables that it reads
TRAINERS = ("google-tunix", "jax", "flax", "qwix", "optax", "transformers")


def examples_of(store: Store, source: str, converter: str) -> list[Example]:
    """Examples of `source` as `converter` made them, in the order of their ids.

    A person's ruling counts: what they quarantined is left out, what they released is there. Rows
    of a test split are never trained on.
    """
    rows = ask(
        store,
        """
        select example_id, prompt, reasoning, answer
        from examples
        where source = $source and converter = $converter
            and record_id not in (select record_id from rulings where ruling = 'quarantined')
            and record_id not in (select record_id from records where split = 'test')
        order by example_id
        """,
        source=source,
        converter=converter,
    )
    return [Example(*row) for row in rows.unique("example_id", maintain_order=True).iter_rows()]


def hash_of_folder(folder: Path) -> str:
    """One hash for the files of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "README.md":
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@cache
def hash_of_code() -> str:
    """One hash for what decides what a stage makes: this project's files, and what trains."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for floor in SOURCE_FLOORS:
        for path in sorted(p for p in (root / floor).rglob("*") if p.suffix in DECIDE):
            if path.parent != PRESETS:  # their values are in the configuration
                digest.update(f"{path.relative_to(root)}\n".encode())
                digest.update(path.read_bytes())
    for package in TRAINERS:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()
