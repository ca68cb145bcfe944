"""A server with an OpenAI-compatible API: its URL, model and key, and how requests are sent."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from data.errors import UserError
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


def checked_url(url: str) -> str:
    """`url` without a trailing slash; UserError unless it is a base URL without credentials.

    The URL is stored with the run, so it must not hold a secret.
    """
    expected = "expected the base URL of an OpenAI-compatible server, as http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{error}; {expected}") from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UserError(
            f"the URL of {host} contains credentials, a query or a fragment; {expected}. Pass a key"
            " in an environment variable: --api-key-env NAME"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UserError(f"{url!r} is not the URL of a server; {expected}")
    if parts.path.rstrip("/").endswith("/completions"):
        raise UserError(f"{url} is the URL of an endpoint; {expected}")
    return url.rstrip("/")
