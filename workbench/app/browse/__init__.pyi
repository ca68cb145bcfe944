from .filter import (
    NOT_LOOKED_AT as NOT_LOOKED_AT,
    NOTHING_WRONG as NOTHING_WRONG,
    Filter as Filter,
    of_address as of_address,
    to_address as to_address,
)
from .index import Index as Index, new_index as new_index, refresh as refresh
