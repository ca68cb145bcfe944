"""How fast an engine generates: counts, times and the occupancy of its slots."""

from dataclasses import dataclass


@dataclass
class Speed:
    """Counts and times of one call of `generate`, so far."""

    requests: int = 0  # finished
    prompts: int = 0  # read; requests with equal prompts share one
    tokens: int = 0  # written
    slot_steps: int = 0  # steps times slots: tokens that a perfect schedule would write
    decoded: int = 0  # tokens of those steps; the first of a text comes from the prefill
    reading: float = 0.0  # seconds of prefill
    writing: float = 0.0  # seconds of decode
    seconds: float = 0.0  # in total, without the time that the caller takes in between

    @property
    def occupancy(self) -> float:
        """Share of the slots' steps that wrote a token."""
        return self.decoded / self.slot_steps if self.slot_steps else 0.0

    def as_json(self) -> dict[str, float]:
        """For a run's summary; all 0 if nothing was generated."""
        return {
            "tokens_per_second": round(self.tokens_per_second, 1),
            "generations_per_second": round(self.requests_per_second, 2),
            "occupancy": round(self.occupancy, 3),
            "prefill_seconds": round(self.reading, 2),
            "decode_seconds": round(self.writing, 2),
        }

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0
