"""What a stage reads from the store, and hashes of it: a stage runs again when these change."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

import polars as pl

from data.audit import queries
from data.errors import UserError
from data.store import Store, ask
from data.subsets import Subset, subset
from evals.scores import (
    Problems as Problems,
    hash_of_rows as hash_of_rows,
    problems_of as problems_of,
)
from pipeline.config import PRESETS, BadConfig
from pipeline.train import Example

SOURCE_FLOORS = ("data", "evals", "pipeline")
DECIDE = (".py", ".toml")  # code, and the tables that it reads
# What the numbers of training hang on; grain and numpy decide the order of what is read.
TRAINERS = ("google-tunix", "jax", "jaxlib", "flax", "qwix", "optax", "grain", "numpy",
            "transformers", "tokenizers")  # fmt: skip


def examples_of(
    store: Store, source: str, converter: str, records: Sequence[str] | None = None
) -> list[Example]:
    """Examples of `source` as `converter` made them, in the order of their ids.

    records: only of these

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
            and ($records is null or record_id in (select unnest($records::varchar[])))
        order by example_id
        """,
        source=source,
        converter=converter,
        records=None if records is None else list(records),
    )
    return [Example(*row) for row in rows.unique("example_id", maintain_order=True).iter_rows()]


def examples_in(store: Store, chosen: Subset) -> list[Example]:
    """Examples of the records of a subset, as `examples_of`, whatever their sources.

    Each as its source was converted last. Those that are no examples any more are not there.
    """
    found = [
        example
        for source, converter in zip(*queries.newest_of(store), strict=True)
        for example in examples_of(store, source, converter, chosen.ids)
    ]
    return sorted(found, key=lambda example: example.example_id)


def subset_of(store: Store, said: str, of: str) -> Subset | None:
    """The subset that a knob names, which must hold records or problems; None for ""."""
    if not said:
        return None
    found = subset(store, said)
    if found.of != of:
        raise BadConfig(
            f"{found.label} holds {found.of}; expected a subset of {of}. `thinkbench subset"
            " list` says what each holds."
        )
    return found


def problems_in(store: Store, chosen: Subset) -> Problems:
    """Train problems of a subset, as `problems_of`, whatever their sources."""
    sources = ask(
        store,
        """
        select distinct source from problems
        where problem_id in (select unnest($ids)) and split = 'train' order by source
        """,
        ids=list(chosen.ids),
    )["source"]
    found = [problems_of(store, source, "train") for source in sources]
    if not found:
        raise UserError(f"{chosen.label} holds no train problem that the store has")
    wanted = set(chosen.ids)
    kept = pl.concat([one.kept for one in found]).unique("problem_id", keep="first")
    return Problems(
        kept.filter(pl.col("problem_id").is_in(wanted)).sort("problem_id"),
        [id for one in found for id in one.bad_gold if id in wanted],
    )


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
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for floor in SOURCE_FLOORS:
        for path in sorted(p for p in (root / floor).rglob("*") if p.suffix in DECIDE):
            if path.parent != PRESETS:  # their values are in the configuration
                digest.update(f"{path.relative_to(root)}\n".encode())
                digest.update(path.read_bytes())
    for package in TRAINERS:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()
