"""Sources: where records come from, and how they get into the store, once each.

A card names a source: its shape, its place on a hub and the revision that is pinned.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources import row_shapes
from data.sources.files import Rejected, Row, files_in, rows_of
from data.sources.samples import damaged_records, word_problems
from data.store import checked_name

CARDS = Path(__file__).with_name("cards")
SAMPLE_RECORDS = 3_000
SAMPLE_PROBLEMS = {"train": 3_000, "test": 600}
SAMPLE_SEED = 0
HUB_SECONDS = "5"  # wait for a hub's first answer, then say what to do instead


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
    columns: dict[str, str] = field(default_factory=dict)  # where rows hold what the shape expects

    @property
    def origin(self) -> str:
        return f"{self.name}@{self.revision}"


def cards() -> list[str]:
    """Names of the sources that have a card."""
    return sorted(path.stem for path in CARDS.glob("*.toml"))


def card(source: str) -> Card:
    """The card of `source`."""
    if source not in cards():
        raise UserError(
            f"no source {source!r}; the sources are {', '.join(cards())}. Rows of your own need"
            " a name, a place and a shape: thinkbench ingest NAME --from PATH --shape"
            f" {'|'.join(row_shapes.COLUMNS)}"
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
        columns = row_shapes.COLUMNS[of.shape]
        for file in files_in(path) if path else _kaggle(of):
            yield from rows_of(file, columns, of.columns)


def _bundled(of: Card) -> Iterator[Row]:
    if of.shape == "stratos":
        made = damaged_records.stratos_rows(SAMPLE_RECORDS, SAMPLE_SEED)
        yield from (Row(row, of.name, "train", n) for n, row in enumerate(made))
        return
    for split, count in SAMPLE_PROBLEMS.items():
        made = word_problems.gsm8k_rows(count, SAMPLE_SEED, split)
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
        raise UserError(
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


def own(source: str, path: Path | None, shape: str, columns: dict[str, str] | None = None) -> Card:
    """A person's own rows under a name of theirs. A name with a card keeps its card's shape."""
    if source in cards():
        raise UserError(
            f"{source!r} is a source of its own, in the shape {card(source).shape!r}: leave out"
            " --shape, or give your rows another name"
        )
    if path is None:
        raise UserError(f"{source!r} with --shape is rows of your own: say --from PATH too")
    checked_name("source", source)
    return Card(source, shape, "none", name=path.name, columns=columns or {})


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
