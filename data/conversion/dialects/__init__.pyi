from .markers import (
    Marker as Marker,
    markers_and_nearly as markers_and_nearly,
    markers_in as markers_in,
)
from .table import (
    BUNDLED as BUNDLED,
    CHAT_TOKENS as CHAT_TOKENS,
    HASHES as HASHES,
    NEW_TAGS as NEW_TAGS,
    Dialect as Dialect,
    DialectTable as DialectTable,
    dialect_table as dialect_table,
    read_dialects as read_dialects,
)
