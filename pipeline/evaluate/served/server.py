"""A server with an OpenAI-compatible API: its URL, model and key, and how requests are sent."""

from dataclasses import dataclass, field

from pipeline.config import above, at_least, check_choices, knob

MAX_CONNECTIONS = 1000  # the most that the client opens
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, kw_only=True)
class ServedConfig:
    """How requests are sent. It does not affect the answers, so it is no part of a fingerprint."""

    concurrency: int = knob(32, "requests in flight at the same time", "requests")
    timeout: float = knob(
        600.0, "a request is retried when the server is silent for this long", "s"
    )
    retries: int = knob(
        5,
        "retries of a request after HTTP 429, 5xx, a timeout or a dropped connection, with"
        " increasing delays",
        "retries",
    )
    limit_field: str = knob(
        "max_tokens",
        "the request field with which the server limits the length of a completion",
        choices=LIMIT_FIELDS,
    )

    def __post_init__(self) -> None:
        above(self, 0, "concurrency", most=MAX_CONNECTIONS)
        above(self, 0, "timeout")
        at_least(self, 0, "retries")
        check_choices(self)


@dataclass(frozen=True)
class Server:
    """Where a model is served: base URL without credentials, the model's name there, the key."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    config: ServedConfig = field(default_factory=ServedConfig)
