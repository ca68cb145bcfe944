from .connection import (
    UnwritableState as UnwritableState,
    commit as commit,
    connect as connect,
    copy_of as copy_of,
    create as create,
    is_writable as is_writable,
    now as now,
)
from .private_copy import STATE_FILE as STATE_FILE
from .tables import ANNOTATIONS as ANNOTATIONS, columns_of as columns_of, frame as frame
