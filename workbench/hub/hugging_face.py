"""Sending a folder to Hugging Face: a repository, its files, one commit."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import UserError

TRIES = 3
WAIT = 2.0  # [seconds] before the second try; twice as long before the third
# what to do, by the status of the hub's answer
ADVICE = {
    401: "The token is not valid: set HF_TOKEN to one that is, or `hf auth login`.",
    403: "The token may not write there: make one with the right to write, or name a repository of"
    " your own.",
    404: "The repository was not found: is its owner's name right, and may the token see it?",
}


def send(folder: Path, kind: str, repository: str, private: bool, message: str) -> str:
    """Send `folder` with the token that huggingface_hub finds; the address of the commit.

    kind: dataset, or model

    Raises UserError where the hub refuses, or cannot be reached after some tries. Files that had
    arrived are not sent again by a later call.
    """
    import httpx
    from huggingface_hub import HfApi, get_token

    token = get_token()
    if token is None:
        raise UserError("no token of Hugging Face is here: set HF_TOKEN, or `hf auth login`.")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        _retried(
            lambda: api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        )
        if private:
            _refuse_public(_retried(lambda: api.repo_info(repository, repo_type=kind)), repository)
        commit = _retried(
            lambda: api.upload_folder(
                repo_id=repository, repo_type=kind, folder_path=folder, commit_message=message
            )
        )
    # of the library: ValueError for names and cards that the hub does not take, RuntimeError for
    # a file whose upload failed
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, UserError):
            raise
        causes = [error, *([error.__cause__] if error.__cause__ else [])]
        text = "; ".join(f"{type(one).__name__}: {one}" for one in causes).replace(token, "(token)")
        raise UserError(f"{repository} was not written. {_advice(error)} {text}") from None
    return commit.commit_url


def _refuse_public(repository: Any, name: str) -> None:
    if not repository.private:
        raise UserError(
            f"{name} exists and is public, so what is sent there is public as well; add --public if"
            " that is wanted, or name another repository"
        )


def _retried(call: Callable[[], Any]) -> Any:
    """What `call` returns; it is called again where the hub is down or the connection breaks."""
    import httpx

    for number in range(1, TRIES + 1):
        try:
            return call()
        except (httpx.HTTPError, RuntimeError) as error:
            if number == TRIES or not _may_pass(error):
                raise
            time.sleep(WAIT * number)


def _may_pass(error: Exception) -> bool:
    """Whether another try may succeed: no answer, or one that says so."""
    import httpx

    status = _status(error)
    if status is not None:
        return status >= 500 or status == 429
    return isinstance(_first_cause(error), httpx.HTTPError)


def _status(error: Exception) -> int | None:
    """Of the hub's answer; None where there was none."""
    from huggingface_hub.errors import HfHubHTTPError

    cause = _first_cause(error)
    return cause.response.status_code if isinstance(cause, HfHubHTTPError) else None


def _first_cause(error: BaseException) -> BaseException:
    """The library raises a RuntimeError about a file from what failed."""
    return error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error


def _advice(error: Exception) -> str:
    status = _status(error)
    if isinstance(error, ValueError):
        return "The hub does not take this name, or a file:"
    return ADVICE.get(status or 0, f"It was tried {TRIES} times; check the network, and try again.")
