"""What one step needs of one chip, whoever says so: the compiler, or arithmetic."""

from dataclasses import dataclass

from pipeline.preflight.chips import Chip

# What a run is taken to reach of its chip's peaks: an assumption and no measurement, which is said
# with every time that it gives.
OPERATIONS_REACHED = 0.4
BANDWIDTH_REACHED = 0.6


@dataclass(frozen=True, kw_only=True)
class Needs:
    """how: compiled or estimated. All of one chip; None: the compiler gave up for lack of memory.

    parts:       bytes of what lies there: weights, adapters, optimizer, batch, cache
    temporaries: bytes
    peak:        bytes of all that is there at once, at most
    flops, moved: operations, and bytes that are read or written at least, of one call
    """

    how: str
    parts: dict[str, int]
    temporaries: int | None
    peak: int
    fits: bool
    flops: float
    moved: float


def seconds(
    needs: Needs, chip: Chip, operations: float = 1.0, bandwidth: float = 1.0
) -> float | None:
    """The time of one call on a chip that reaches these shares of what its maker says.

    With all of it, the least: no call is faster (the roofline bound). None for a chip whose speed
    is not known.
    """
    if chip.flops is None or chip.bandwidth is None:
        return None
    return max(needs.flops / (operations * chip.flops), needs.moved / (bandwidth * chip.bandwidth))


def likely_seconds(needs: Needs, chip: Chip) -> float | None:
    """The time of one call at the shares that runs are taken to reach."""
    return seconds(needs, chip, OPERATIONS_REACHED, BANDWIDTH_REACHED)
