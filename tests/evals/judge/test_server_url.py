"""The base URL of a server."""

import pytest

from data.errors import UserError
from evals.judge.server_url import checked_url


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw-secret@host/v1",
        "http://user:pw-secret",
        "pw-secret",
        "http://host/v1?api_key=pw-secret",
        "http://host/v1#pw-secret",
        "host:8000/v1",
        "ftp://host/v1",
        "http://",
        "http://[::1/v1",
        "http://host:port/v1",
        "http://host/v1/chat/completions",
    ],
)
def test_the_error_for_a_bad_url_does_not_repeat_a_secret(url):
    with pytest.raises(UserError, match="expected the base URL") as caught:
        checked_url(url)
    assert "pw-secret" not in str(caught.value)


def test_a_base_url_loses_only_its_last_slash():
    assert checked_url("https://host:8000/v1/") == "https://host:8000/v1"
