"""Guards: after each step, look for signs of collapse, and say what to do at them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.train import StoreMetrics
from pipeline.train.guards.collapse import Series, signs


class Collapsing(Exception):
    """Ends a run that a guard stopped. The best step is kept."""


@dataclass
class GuardState:
    """What a resumed run continues with, as JSON.

    since:       the step after which signs are looked for: that of the last roll-back
    rolled_back: how many times
    stopped_at:  the step at which the guard stopped the run
    signs:       all signs so far, as text   reported: names of those since the last roll-back
    """

    since: int = 0
    rolled_back: int = 0
    stopped_at: int | None = None
    signs: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)


class Guard:
    """Looks for signs of collapse after each step, and says what to do.

    action: stop, roll-back, warn or off. A run that would be rolled back a third time stops.
    """

    MOST_ROLLED_BACK = 2

    def __init__(
        self, action: str, heldout: int, metrics: StoreMetrics, state: GuardState | None = None
    ) -> None:
        self.action, self.heldout, self.metrics = action, heldout, metrics
        self.state = state or GuardState()

    def as_json(self) -> dict[str, Any]:
        """The fields of a `GuardState`."""
        return asdict(self.state)

    def after(self, step: int) -> str | None:
        """What to do after `step`: "stop", "roll-back" or nothing."""
        if self.action == "off":
            return None
        present = signs(self._watched(), self.heldout)
        for sign in present:
            self.metrics.note(step, f"guard/{sign.name}", sign.value)
            if sign.name not in self.state.reported:
                self.state.signs.append(str(sign))
                self.state.reported.append(sign.name)
        if not present or self.action == "warn":
            return None
        if self.action == "roll-back" and self.state.rolled_back < self.MOST_ROLLED_BACK:
            self.state.rolled_back += 1
            self.state.since, self.state.reported = step, []
            return "roll-back"
        self.state.stopped_at = step
        return "stop"

    def _watched(self) -> Series:
        """The values of the start (step 0), and those after the last roll-back."""
        return {
            name: [point for point in points if point[0] > self.state.since or point[0] == 0]
            for name, points in self.metrics.series.items()
            if not name.startswith("guard/")
        }
