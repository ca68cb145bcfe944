"""What a stage reads from the store, and the hashes that decide whether it must run again."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

import polars as pl

from data.errors import UserError
from data.store import Store, ask
from data.subsets import Subset, subset
from evals.scores import Problems, problems_of_split
from pipeline.batches import Example
from pipeline.config import BadConfig
from pipeline.presets import PRESETS

ROOT = Path(__file__).parents[2]
SOURCE_FLOORS = ("data", "evals", "pipeline")
HASHED_SUFFIXES = (".py", ".toml")  # code, and the tables that it reads
# Packages that the numbers of training depend on; grain and numpy decide the order of the data.
TRAINERS = ("google-tunix", "jax", "jaxlib", "flax", "qwix", "optax", "grain", "numpy",
            "transformers", "tokenizers")  # fmt: skip


def examples_of(
    store: Store, source: str, converter: str, records: Sequence[str] | None = None
) -> list[Example]:
    """Examples of `source` as this version of the converter made them, ordered by id.

    records: ids; only examples of these records

    A person's ruling wins: quarantined records are left out, released ones are included. Rows of a
    test split are never trained on.
    """
    rows = ask(
        store,
        """
        select example_id, prompt, reasoning, answer
        from trainable_examples
        where source = $source and converter = $converter
            and ($records is null or record_id in (select unnest($records::varchar[])))
        order by example_id
        """,
        source=source,
        converter=converter,
        records=None if records is None else list(records),
    )
    return [Example(*row) for row in rows.iter_rows()]


def examples_in(store: Store, chosen: Subset) -> list[Example]:
    """Examples of the records of a subset, of all sources, ordered by id.

    Of each source by its newest conversion. Records that are no longer an example are left out.
    """
    rows = ask(
        store,
        """
        select example_id, prompt, reasoning, answer
        from trainable_examples
        where is_current and record_id in (select unnest($records::varchar[]))
        order by example_id
        """,
        records=list(chosen.ids),
    )
    return [Example(*row) for row in rows.iter_rows()]


def subset_of(store: Store, label: str, of: str) -> Subset | None:
    """The subset that a knob names, which must hold `of` (records or problems); None for ""."""
    if not label:
        return None
    chosen = subset(store, label)
    if chosen.of != of:
        raise BadConfig(
            f"{chosen.label} holds {chosen.of}; expected a subset of {of}. `thinkbench subset"
            " list` shows what each holds."
        )
    return chosen


def subset_input(chosen: Subset | None) -> dict[str, str]:
    """The entry in a run's inputs for the subset that it was trained on."""
    return {"subset": f"{chosen.label} {chosen.content_hash}"} if chosen else {}


def problems_in(store: Store, chosen: Subset) -> Problems:
    """Train problems of a subset, of all sources, as `problems_of_split` gives them."""
    sources = ask(
        store,
        """
        select distinct source from problems
        where problem_id in (select unnest($ids)) and split = 'train' order by source
        """,
        ids=list(chosen.ids),
    )["source"]
    by_source = [problems_of_split(store, source, "train") for source in sources]
    if not by_source:
        raise UserError(f"the store has no train problem of the subset {chosen.label}")
    ids = set(chosen.ids)
    rows = pl.concat([one.usable for one in by_source]).unique("problem_id", keep="first")
    return Problems(
        rows.filter(pl.col("problem_id").is_in(ids)).sort("problem_id"),
        [problem_id for one in by_source for problem_id in one.bad_gold if problem_id in ids],
    )


def hash_of_folder(folder: Path) -> str:
    """One hash of the files in a model folder, without its README."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "README.md":
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@cache
def hash_of_code() -> str:
    """One hash of what decides a stage's result: the code, and the versions of TRAINERS."""
    digest = hashlib.sha256()
    for path in source_files():
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    for package in TRAINERS:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()


def source_files() -> list[Path]:
    """Code and tables of the three floors that train and evaluate.

    Without the presets, whose values are part of a run's configuration.
    """
    return [
        path
        for floor in SOURCE_FLOORS
        for path in sorted((ROOT / floor).rglob("*"))
        if path.suffix in HASHED_SUFFIXES and (path.parent, path.suffix) != (PRESETS, ".toml")
    ]
