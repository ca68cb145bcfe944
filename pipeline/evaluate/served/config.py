"""The knobs of asking a server: their defaults, units and meanings."""

from dataclasses import dataclass

from pipeline.config import above, at_least, knob, one_of_its_choices

MOST_AT_ONCE = 1000  # connections that the client opens
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, kw_only=True)
class ServedConfig:
    """How a server is asked. None of it decides what is answered, so none tells runs apart."""

    concurrency: int = knob(32, "requests that are under way at once", "requests")
    timeout: float = knob(600.0, "longest silence of the server before a request is repeated", "s")
    retries: int = knob(
        5, "after 429, 5xx, a timeout or a cut connection, each later than the last", "retries"
    )
    limit_field: str = knob(
        "max_tokens", "the name of the field that limits an answer there", choices=LIMIT_FIELDS
    )

    def __post_init__(self) -> None:
        above(self, 0, "concurrency", most=MOST_AT_ONCE)
        above(self, 0, "timeout")
        at_least(self, 0, "retries")
        one_of_its_choices(self)
