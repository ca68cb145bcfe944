from .filter import (Filter as Filter, NOTHING_WRONG as NOTHING_WRONG, NOT_LOOKED_AT as NOT_LOOKED_AT, of_address as of_address, to_address as to_address)
from .index import (Index as Index, new_index as new_index, refresh as refresh)
