"""What runs beside the served app: the search for orphaned jobs."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from workbench.app import state
from workbench.jobs import reconciling


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Search for orphaned jobs while the app is served; not in read-only mode, as it writes."""
    if not state.may_write():
        yield
        return
    with reconciling(state.folder()):
        yield
