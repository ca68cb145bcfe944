from .filter import (
    FIXED as FIXED,
    LABELS as LABELS,
    LONGEST as LONGEST,
    NO_ERROR as NO_ERROR,
    NOT_CATEGORISED as NOT_CATEGORISED,
    TITLES as TITLES,
    Filter as Filter,
    of_address as of_address,
    shown as shown,
    to_address as to_address,
)
from .index import Index as Index, new_index as new_index, refresh as refresh
