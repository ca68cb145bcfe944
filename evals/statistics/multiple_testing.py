"""P values that are shown together, corrected for how many they are."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction of all that are known; unknown ones stay unknown, uncounted.

    Below 0.05 they hold together: the chance of even one false find among them is 5 % at most
    (Holm 1979, "A simple sequentially rejective multiple test procedure").
    """
    # Our own, as statsmodels' takes half a second to import and collects garbage at each call,
    # 70 ms in an app that holds a million rows; tests hold it against statsmodels'.
    known = np.array([p for p in p_values if p is not None])
    order = np.argsort(known)
    left = np.arange(len(known), 0, -1)
    corrected = np.empty_like(known)
    corrected[order] = np.minimum(np.maximum.accumulate(known[order] * left), 1.0)
    in_turn = iter(corrected.tolist())
    return [None if p is None else next(in_turn) for p in p_values]
