from .agreement import kappa as kappa, share_of_clusters as share_of_clusters
from .intervals import (
    SMALL as SMALL,
    Interval as Interval,
    mean_of_clusters as mean_of_clusters,
    unpaired_difference as unpaired_difference,
    wilson as wilson,
    wilson_bounds as wilson_bounds,
)
from .multiple_testing import holm as holm
from .paired import (
    Difference as Difference,
    paired_difference as paired_difference,
    paired_rate_difference as paired_rate_difference,
)
from .pass_at_k import majority_at_k as majority_at_k, powers_of_two as powers_of_two
from .power import detectable_unpaired as detectable_unpaired
from .seeds import compare_seeds as compare_seeds
