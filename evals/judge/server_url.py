"""The base URL of a server, which is stored and shown, so it must not hold a secret."""

from urllib.parse import urlsplit

from data.errors import UserError


def checked_url(url: str) -> str:
    """`url` without a trailing slash; UserError unless it is a base URL without credentials.

    No error repeats any part of it.
    """
    expected = "expected the base URL of an OpenAI-compatible server, as http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # the reason would repeat a password that stands where a port is expected
        raise UserError(f"the URL has no readable host and port; {expected}") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UserError(
            f"the URL contains credentials, a query or a fragment; {expected}. Pass a key in an"
            " environment variable, whose name --api-key-env has, or api_key_env of a rubric."
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UserError(f"this is not the URL of a server; {expected}")
    if parts.path.rstrip("/").endswith("/completions"):
        raise UserError(f"this is the URL of an endpoint; {expected}")
    return url.rstrip("/")
