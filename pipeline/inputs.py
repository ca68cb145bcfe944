"""What a stage reads from the store, and hashes of it: a stage runs again when these change."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import polars as pl

from data.runs import fingerprint
from data.store import Store, ask
from evals.graders import GRADERS
from pipeline.config import PRESETS
from pipeline.rewards import GRADER
from pipeline.sft import Example

SOURCE_FLOORS = ("data", "evals", "pipeline")
DECIDE = (".py", ".toml")  # code, and the tables that it reads
TRAINERS = ("google-tunix", "jax", "flax", "qwix", "optax", "transformers")


class NoProblems(ValueError):
    """There is nothing to evaluate or train on."""


@dataclass(frozen=True)
class Problems:
    """Problems of one split; those whose gold no answer could match are counted apart.

    kept: problem_id, question, gold, steps
    """

    kept: pl.DataFrame
    bad_gold: list[str]


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


def problems_of(store: Store, source: str, split: str) -> Problems:
    """Problems of one split, in the order of their ids, which are hashes: a fixed shuffle."""
    rows = ask(
        store,
        """
        select problem_id, question, gold, steps
        from problems left join (select run, started_at from runs) using (run)
        left join (
            select record_id, outcome
            from conversions left join (select run, started_at as "at" from runs) using (run)
            where source = $source
            qualify row_number() over (partition by record_id order by "at" desc, run) = 1
        ) using (record_id)  -- what the newest conversion made of its record
        left join rulings using (record_id)
        where source = $source and split = $split
            and ruling is distinct from 'quarantined'
            and (ruling = 'released' or outcome is distinct from 'quarantined')
        -- of a record that was converted twice the newer problem counts
        qualify record_id is null
            or rank() over (partition by record_id order by started_at desc) = 1
        order by problem_id
        """,
        source=source,
        split=split,
    ).unique("problem_id", keep="first", maintain_order=True)
    if rows.is_empty():
        raise NoProblems(
            f"the store has no {split} problems of {source!r}; ingest and convert them first:"
            f" thinkbench ingest {source} && thinkbench convert {source}"
        )
    # an undecidable verdict on the gold itself means that no answer can be right
    decidable = [
        GRADERS[GRADER].grade(f"<reasoning>-</reasoning><answer>{gold}</answer>", gold).correct
        is not None
        for gold in rows["gold"]
    ]
    kept = pl.Series(decidable, dtype=pl.Boolean)
    return Problems(rows.filter(kept), rows.filter(~kept)["problem_id"].to_list())


def hash_of_rows(values: list[str]) -> str:
    """One hash for a list of ids, whatever their order."""
    return fingerprint(rows=sorted(values))


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
