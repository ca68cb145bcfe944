from .intervals import (
    Interval as Interval,
    mean_of_clusters as mean_of_clusters,
    wilson as wilson,
    wilson_columns as wilson_columns,
)
from .multiple_testing import holm as holm
from .paired import Difference as Difference, paired_rates as paired_rates
from .pass_at_k import of_samples as of_samples
from .power import smallest_unpaired as smallest_unpaired
from .unpaired import gap as gap
