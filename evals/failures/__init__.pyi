from .categories import (
    CATEGORIES as CATEGORIES,
    SUSPECT_GOLD as SUSPECT_GOLD,
    SUSPECT_SAMPLES as SUSPECT_SAMPLES,
    VERSION as VERSION,
)
from .counts import (
    categorise_generations as categorise_generations,
    categorise_missing as categorise_missing,
)
