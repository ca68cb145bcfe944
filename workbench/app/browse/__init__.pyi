from .filter import (FIXED as FIXED, Filter as Filter, LABELS as LABELS, LONGEST as LONGEST, NOT_CATEGORISED as NOT_CATEGORISED, NO_ERROR as NO_ERROR, TITLES as TITLES, of_address as of_address, shown as shown, to_address as to_address)
from .index import (Index as Index, new_index as new_index, refresh as refresh)
