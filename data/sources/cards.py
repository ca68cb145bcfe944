"""Cards: a card names a source, its shape, where it is on a hub, and the pinned revision."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources import row_shapes
from data.sources.files import files_in
from data.store.parts import checked_name

CARDS = Path(__file__).with_name("cards")


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
    columns: dict[str, str] = field(default_factory=dict)  # where rows have the shape's columns

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
            " a name, a path and a shape: thinkbench ingest NAME --from PATH --shape"
            f" {'|'.join(row_shapes.COLUMNS)}"
        )
    row: dict[str, Any] = tomllib.loads((CARDS / f"{source}.toml").read_text(encoding="utf-8"))
    row["files"] = tuple(row.get("files", ()))
    return Card(source, **row)


def own_card(source: str, origin: str, shape: str, columns: dict[str, str] | None = None) -> Card:
    """A card for a person's own rows. The name of a source that has a card is refused.

    origin: where the rows come from, such as the name of a file
    """
    if source in cards():
        raise UserError(
            f"{source!r} is a source with a card, in the shape {card(source).shape!r}: leave out"
            " --shape, or give your rows another name"
        )
    checked_name("source", source)
    return Card(source, shape, "none", name=origin, columns=columns or {})


def card_of(
    source: str, path: Path | None, shape: str | None, columns: dict[str, str] | None = None
) -> Card:
    """The card of `source`, or one for the rows at `path` if they have a shape of their own."""
    if shape is None:
        return card(source)
    if path is None and source not in cards():
        raise UserError(f"{source!r} with --shape is rows of your own: add --from PATH")
    return own_card(source, path.name if path else "", shape, columns)


def check_source(source: str, path: Path | None, shape: str | None) -> None:
    """Refuse an unknown source, and a path that holds no file of rows."""
    card_of(source, path, shape)
    if path is not None:
        files_in(path)
