from .categories import (
    CATEGORIES as CATEGORIES,
    ONLY_LENIENT as ONLY_LENIENT,
    SUSPECT_GOLD as SUSPECT_GOLD,
    VERSION as VERSION,
)
from .counts import (
    categorise_generations as categorise_generations,
    categorise_missing as categorise_missing,
)
from .suspect_golds import (
    READER as READER,
    SUSPECT_SAMPLES as SUSPECT_SAMPLES,
    golds_of as golds_of,
    suspects_of as suspects_of,
    undecided_problems as undecided_problems,
)
