"""What one step needs of one chip, whoever says so: the compiler, or arithmetic."""

from dataclasses import dataclass

from pipeline.preflight.chips import Chip


@dataclass(frozen=True, kw_only=True)
class Needs:
    """how: compiled or estimated. All of one chip; None: the compiler gave up for lack of memory.

    parts:       bytes of what lies there: weights, adapters, optimizer, batch, cache
    temporaries: bytes
    peak:        bytes of all that is there at once, at most
    flops, moved: operations, and bytes that must be read at least, of one call
    """

    how: str
    parts: dict[str, int]
    temporaries: int | None
    peak: int
    fits: bool
    flops: float
    moved: float


def seconds(needs: Needs, chip: Chip) -> float | None:
    """The least time of one call: no chip is faster than its maker says (the roofline bound).

    None for a chip whose speed is not known.
    """
    if chip.flops is None or chip.bandwidth is None:
        return None
    return max(needs.flops / chip.flops, needs.moved / chip.bandwidth)
