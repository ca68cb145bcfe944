"""What tests of stored rollouts and of files of rewards share."""

import pytest

from tests.support.rollout_rows import GOLDS, GROUPS, rolled


@pytest.fixture
def run(store):
    """A store with the run `grpo-1` of two steps."""
    rolled(store, "grpo-1", GROUPS, GOLDS)
    return store


@pytest.fixture
def file(tmp_path):
    """A file of rewards with this text."""

    def written(source: str | bytes):
        path = tmp_path / "mine.py"
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return path

    return written
