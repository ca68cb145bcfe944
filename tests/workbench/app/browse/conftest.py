"""Stores with rows that differ in every facet, and their index."""

import pytest

from data.store.store import open_store
from tests.support.browse_rows import filled


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A store that no test changes, its rows, and its index."""
    store = open_store(tmp_path_factory.mktemp("browse") / "store")
    rows, index = filled(store)
    yield store, rows, index
    index.engine.close()


@pytest.fixture
def fresh(store):
    """Likewise, for a test that changes it."""
    rows, index = filled(store)
    yield store, rows, index
    index.engine.close()
