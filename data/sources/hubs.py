"""Rows from Hugging Face and Kaggle. No other module imports their clients to fetch rows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import UserError
from data.sources.cards import Card
from data.sources.formats import Row

HUB_SECONDS = "5"  # timeout of a hub's first response; then the error says what to do instead


@contextmanager
def _hub(card: Card) -> Iterator[None]:
    """Turn every error of a hub's client into one message."""
    from httpx import HTTPError
    from huggingface_hub.errors import HfHubHTTPError
    from requests import RequestException

    try:
        yield
    except (OSError, HTTPError, HfHubHTTPError, RequestException, ValueError) as error:
        raise UserError(
            f"{card.name} at {card.revision} could not be fetched from {card.hub}"
            f" ({type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''})."
            " Check the network, or download it elsewhere and give its path: thinkbench ingest"
            f" {card.source} --from PATH"
        ) from error


def hugging_face(card: Card) -> Iterator[Row]:
    """Rows of a data set on Hugging Face, at the revision of its card."""
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", HUB_SECONDS)
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", HUB_SECONDS)
    with _hub(card):
        import datasets
        from huggingface_hub import HfApi

        # this request comes first: without a network the datasets library would retry for minutes
        info = HfApi().dataset_info(card.name, revision=card.revision, timeout=float(HUB_SECONDS))
        # a branch moves: its commit is fetched and recorded
        dataset = datasets.load_dataset(card.name, revision=info.sha, split=card.split)
    for number, values in enumerate(dataset):
        yield Row(dict(values), f"{card.name}@{info.sha}", card.split, number)


def kaggle(card: Card) -> list[Path]:
    """The downloaded files of a data set on Kaggle."""
    with _hub(card):
        import requests

        requests.head("https://www.kaggle.com", timeout=float(HUB_SECONDS))
        import kagglehub

        folder = Path(kagglehub.dataset_download(f"{card.name}/versions/{card.revision}"))
    return [folder / name for name in card.files]
