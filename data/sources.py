"""Sources: where records come from, and how they get into the store, once each.

A card names a source: its shape, its place on a hub and the revision that is pinned.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data import files, runs, sample_records, samples, shapes
from data.parts import checked_name
from data.read_files import Rejected, Row, files_in, rows_of
from data.store import Store, add, ask

CARDS = Path(__file__).with_name("cards")
BATCH = 2_000  # records of one part
SAMPLE_RECORDS = 3_000
SAMPLE_PROBLEMS = {"train": 3_000, "test": 600}
SAMPLE_SEED = 0
HUB_SECONDS = "5"  # wait for a hub's first answer, then say what to do instead


class UnknownSource(ValueError):
    """No card has this name."""


class OutOfReach(ValueError):
    """A hub did not give what its card names: says why, and what to do instead."""


@dataclass(frozen=True)
class Card:
    """A source. hub: huggingface, kaggle, bundled, or none for a person's own files."""

    source: str
    shape: str
    hub: str
    name: str = ""
    revision: str = ""
    licence: str = "unknown"
    split: str = "train"
    files: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        return f"{self.name}@{self.revision}"


def cards() -> list[str]:
    """Names of the sources that have a card."""
    return sorted(path.stem for path in CARDS.glob("*.toml"))


def card(source: str) -> Card:
    """The card of `source`."""
    if source not in cards():
        raise UnknownSource(
            f"no source {source!r}; the sources are {', '.join(cards())}. Rows of your own need"
            " a name, a place and a shape: thinkbench ingest NAME --from PATH --shape"
            f" {'|'.join(shapes.COLUMNS)}"
        )
    row: dict[str, Any] = tomllib.loads((CARDS / f"{source}.toml").read_text(encoding="utf-8"))
    row["files"] = tuple(row.get("files", ()))
    return Card(source, **row)


def rows(of: Card, path: Path | None) -> Iterator[Row | Rejected]:
    """Rows of a source: from `path` if given, else from where its card says."""
    if path is None and of.hub == "bundled":
        yield from _bundled(of)
    elif path is None and of.hub == "huggingface":
        yield from _hugging_face(of)
    else:
        columns = shapes.COLUMNS[of.shape]
        for file in files_in(path) if path else _kaggle(of):
            yield from rows_of(file, columns)


def _bundled(of: Card) -> Iterator[Row]:
    if of.shape == "stratos":
        made = sample_records.stratos_rows(SAMPLE_RECORDS, SAMPLE_SEED)
        yield from (Row(row, of.name, "train", n) for n, row in enumerate(made))
        return
    for split, count in SAMPLE_PROBLEMS.items():
        made = samples.gsm8k_rows(count, SAMPLE_SEED, split)
        yield from (Row(row, of.name, split, n) for n, row in enumerate(made))


@contextmanager
def _hub(of: Card) -> Iterator[None]:
    """Whatever a hub's client raises becomes one message; its retries are turned off."""
    from httpx import HTTPError
    from huggingface_hub.errors import HfHubHTTPError
    from requests import RequestException

    try:
        yield
    except (OSError, HTTPError, HfHubHTTPError, RequestException, ValueError) as error:
        raise OutOfReach(
            f"{of.name} at {of.revision} could not be fetched from {of.hub}"
            f" ({type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''})."
            f" Check the network, or download it elsewhere and give its place: thinkbench ingest"
            f" {of.source} --from PATH"
        ) from error


def _hugging_face(of: Card) -> Iterator[Row]:
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", HUB_SECONDS)
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", HUB_SECONDS)
    with _hub(of):
        import datasets
        from huggingface_hub import HfApi

        # asked first: the datasets library would try again for minutes
        seconds = float(HUB_SECONDS)
        found = HfApi().dataset_info(of.name, revision=of.revision, timeout=seconds)
        # a branch moves: its commit is what is fetched and recorded
        loaded = datasets.load_dataset(of.name, revision=found.sha, split=of.split)
    for number, values in enumerate(loaded):
        yield Row(dict(values), f"{of.name}@{found.sha}", of.split, number)


def _kaggle(of: Card) -> list[Path]:
    with _hub(of):
        import requests

        requests.head("https://www.kaggle.com", timeout=float(HUB_SECONDS))
        import kagglehub

        folder = Path(kagglehub.dataset_download(f"{of.name}/versions/{of.revision}"))
    return [folder / name for name in of.files]


def record_id(source: str, shape: str, body: str) -> str:
    """The hash of what a record is, so that ingesting it twice adds nothing [32 hex digits]."""
    return runs.fingerprint(source=source, shape=shape, body=body)[:32]


def own(source: str, path: Path | None, shape: str) -> Card:
    """A person's own rows under a name of theirs. A name with a card keeps its card's shape."""
    if source in cards():
        raise UnknownSource(
            f"{source!r} is a source of its own, in the shape {card(source).shape!r}: leave out"
            " --shape, or give your rows another name"
        )
    if path is None:
        raise UnknownSource(f"{source!r} with --shape is rows of your own: say --from PATH too")
    checked_name("source", source)
    return Card(source, shape, "none", name=path.name)


def check(source: str, path: Path | None, shape: str | None) -> None:
    """Refuse a source that is not known and a path that holds no file of rows."""
    _ = own(source, path, shape) if shape else card(source)
    if path is not None:
        files_in(path)


def name_of_files(path: Path) -> str:
    """A name for the source that files are which have none: the hash of what they hold."""
    digest = hashlib.sha256()
    for file in files_in(path):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return f"files-{digest.hexdigest()[:12]}"


def ingest(
    store: Store, source: str, path: Path | None = None, shape: str | None = None
) -> dict[str, Any]:
    """Read `source` into the store; the object of `thinkbench ingest`.

    Nothing is written before the whole source could be read. read = new + already_there + rejected.
    shape: of rows of one's own, whose source has no card
    """
    of = own(source, path, shape) if shape else card(source)
    known = set(
        ask(store, "select record_id from records where source = $s", s=source)["record_id"]
    )
    # every different row in order, so that two who ingest at once write the same parts
    every: dict[str, dict[str, Any] | None] = {}
    rejected: list[Rejected] = []
    read = 0
    for row in rows(of, path):
        read += 1
        if isinstance(row, Rejected):
            rejected.append(row)
            continue
        body = json.dumps(row.values, sort_keys=True, ensure_ascii=False, default=str)
        identity = record_id(source, of.shape, body)
        if identity in every:
            continue
        every[identity] = (
            None
            if identity in known
            else {
                "record_id": identity,
                "source": source,
                "shape": of.shape,
                "split": row.split,
                "row_number": row.number,
                "origin": row.file,
                "body": body,
            }
        )
    new = sum(record is not None for record in every.values())
    counts: dict[str, Any] = {
        "source": source,
        "read": read,
        "new": new,
        "already_there": read - new - len(rejected),
        "rejected": len(rejected),
    }
    if rejected:
        counts["rejections"] = _keep(store, source, rejected)
    if new:
        counts["run"] = _write(store, of, path, every, counts)
    return counts


def _write(
    store: Store,
    of: Card,
    path: Path | None,
    every: dict[str, dict[str, Any] | None],
    counts: dict[str, Any],
) -> str:
    digest = runs.fingerprint(records=sorted(every))
    run = f"ingest-{of.source}-{digest[:12]}"
    config = asdict(of) | {"from": path.name if path else None}
    try:
        runs.begin(store, "ingest", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just ingested these very rows
        counts["already_there"] += counts["new"]
        counts["new"] = 0
        return run
    with runs.told_of(store, run):
        ids = list(every)
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            records = [record for id in part if (record := every[id]) is not None]
            if not records:
                continue
            once = runs.fingerprint(records=[record["record_id"] for record in records])
            add(store, "records", pl.DataFrame(records), run=run, once=once)
    runs.end(store, run, "done", counts)
    return run


def _keep(store: Store, source: str, rejected: list[Rejected]) -> str:
    lines = "".join(f"{json.dumps(vars(row), ensure_ascii=False)}\n" for row in rejected)
    digest = runs.fingerprint(lines=lines)[:12]
    path = f"rejected/{source}-{digest}.jsonl"
    files.write(store.folder, [(path, lines.encode())])
    return str(store.folder / path)
