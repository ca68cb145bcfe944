"""What the store has of a source: when and from where its rows were read.

What was ingested is what every command uses. A source with a card is read from one place only,
from where its card says or from files, so that rows of two places are never mixed under its name.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.sources.cards import Card, cards
from data.sources.files import name_of_files
from data.store import Store, ask


@dataclass(frozen=True)
class Reading:
    """An ingestion of a source.

    location:   name of the file or folder; None: where the card of the source says
    content: `name_of_files` of the location; None where there is none, or in stores of before
    """

    run: str
    location: str | None
    content: str | None
    is_done: bool

    @property
    def command(self) -> str:
        source = self.run.removeprefix("ingest-").rpartition("-")[0]
        return f"thinkbench ingest {source}" + (f" --from {self.location}" if self.location else "")


def readings(store: Store, source: str) -> list[Reading]:
    """The ingestions of `source` that the store has, oldest first."""
    rows = ask(
        store, "select run, event, config from runs where kind = 'ingest' order by started_at, run"
    )
    configs = [(run, event, json.loads(config)) for run, event, config in rows.iter_rows()]
    return [
        Reading(run, config.get("from"), config.get("content"), event == "done")
        for run, event, config in configs
        if config["source"] == source
    ]


def has_records(store: Store, source: str) -> bool:
    """Whether the store has a record of `source`."""
    query = "select 1 from records where source = $source limit 1"
    return not ask(store, query, source=source).is_empty()


def has_read(reading: Reading, path: Path) -> bool:
    """Whether `reading` read what is at `path` now, or read it by that name if it is gone."""
    if reading.content is None or not path.exists():
        return reading.location == path.name
    return reading.content == name_of_files(path)


def refuse_to_mix(store: Store, card: Card, location: str | None) -> None:
    """Raise UserError if the store has rows of this source with a card from the other location.

    location: of the new rows: name of a file or folder, or None: where the card says
    """
    if card.source not in cards():
        return
    for reading in readings(store, card.source):
        if (reading.location is None) != (location is None) and has_records(store, card.source):
            raise UserError(
                f"the store has {card.source!r} from {reading.location or card.name}; rows from"
                f" {location or card.name} would be mixed with these. Give them their own name:"
                f" thinkbench ingest NAME --from {location or 'PATH'} --shape {card.shape}"
            )
