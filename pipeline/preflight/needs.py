"""What one step needs of one chip, and the time that follows from it."""

from dataclasses import dataclass

from pipeline.preflight.chips import Chip

# The shares of its chip's peak that a run is assumed to reach. They are not measured; every output
# that uses them says so.
OPERATIONS_REACHED = 0.4
BANDWIDTH_REACHED = 0.6


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Needs of one call of a step, all for one chip.

    how:         compiled or estimated
    parts:       bytes in memory by part: weights, adapters, optimizer, batch, cache, prompts
    temporaries: bytes; None: the compiler gave up because memory ran out
    peak:        most bytes in memory at one time
    flops:       operations
    moved:       bytes that are read or written at least
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
    """The time of one call on a chip that reaches these shares of its peak speeds.

    With the default, the lower bound of the roofline model. None if the chip's speed is unknown.
    """
    if chip.flops is None or chip.bandwidth is None:
        return None
    return max(needs.flops / (operations * chip.flops), needs.moved / (bandwidth * chip.bandwidth))


def likely_seconds(needs: Needs, chip: Chip) -> float | None:
    """The time of one call at the shares of the peak that runs are assumed to reach."""
    return seconds(needs, chip, OPERATIONS_REACHED, BANDWIDTH_REACHED)
