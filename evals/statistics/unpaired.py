"""How far two shares of different problems lie apart."""

from dataclasses import asdict, dataclass
from math import hypot

from evals.statistics.intervals import Interval


@dataclass(frozen=True)
class Gap:
    """b minus a with its 95 % interval; unknown (None) where a or b is."""

    difference: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        return asdict(self)


def gap(a: Interval, b: Interval) -> Gap:
    """b minus a, of groups that have no problem in common.

    Of Wilson's intervals it is method 10 of Newcombe 1998, "Interval estimation for the difference
    between independent proportions", Statistics in Medicine 17:873-890; of others the same
    combination of their bounds (MOVER; Zou and Donner 2008, ibid. 27:1693-1702).
    """
    if a.value is None or a.low is None or a.high is None:
        return Gap(None, None, None)
    if b.value is None or b.low is None or b.high is None:
        return Gap(None, None, None)
    difference = b.value - a.value
    low = difference - hypot(b.value - b.low, a.high - a.value)
    high = difference + hypot(b.high - b.value, a.value - a.low)
    return Gap(difference, max(low, -1.0), min(high, 1.0))
