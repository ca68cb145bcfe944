"""P values that are shown together, corrected for how many they are."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction of all that are known; unknown ones stay unknown, uncounted.

    Below 0.05 they hold together: the chance of even one false find among them is 5 % at most.
    """
    # half a second to import, which pages that correct nothing do not wait for
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    if not known:
        return list(p_values)
    corrected = iter(np.asarray(multipletests(known, method="holm")[1]))
    return [None if p is None else float(next(corrected)) for p in p_values]
