"""One step of a lineage. What the store does not know is shown as unknown, not left out."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

UNKNOWN = "unknown"
DEEPEST = 20  # runs, and versions of subsets, that a chain is followed through


@dataclass(frozen=True)
class Step:
    """One step back.

    kind: generation, problem, evaluation, training, pairs, subset, conversion, source, record

    title: a name or an id   facts: in the order in which they are shown
    """

    kind: str
    title: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def readable(value: Any) -> str:
    """A fact as one text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
