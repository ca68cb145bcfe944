"""Agreement of two raters whose rows come in clusters, as the samples of one problem do."""

import numpy as np

from evals.statistics.intervals import Interval, Z, score_bounds, students_quantile


def share_of_clusters(successes: np.ndarray, sizes: np.ndarray) -> Interval:
    """The share of rows that are successes, with its 95 % interval; n counts rows.

    Wilson's interval at the effective sample size, by the variance between clusters (Cochran 1977,
    "Sampling Techniques", section 9A.1). Where all rows are successes, or none, it is the number of
    clusters.

    successes, sizes: [clusters]  int, rows of each cluster
    """
    rows, clusters = int(sizes.sum()), int((sizes > 0).sum())
    if rows == 0:
        return Interval(None, None, None, 0)
    share = float(successes.sum()) / rows
    spread = float(((successes - share * sizes) ** 2).sum())
    effective = float(clusters)
    if spread > 0 and clusters > 1:
        variance = spread / rows**2 * clusters / (clusters - 1)
        small_sample = (Z / students_quantile(clusters - 1)) ** 2
        effective = min(share * (1 - share) / variance * small_sample, rows)
    low, high = score_bounds(share, effective)
    return Interval(share, float(low), float(high), rows)


def kappa(tables: np.ndarray) -> Interval:
    """Cohen's kappa (1960) with its 95 % interval; None where chance alone agrees always.

    The interval is the wider at each end of two: the jackknife over clusters, and the interval of
    the agreement with chance's agreement fixed, which has a width where the raters always agree.

    tables: [clusters, categories, categories]  int, rows by what each rater says
    """
    total = tables.sum(axis=0)
    rows = int(total.sum())
    value, by_chance = (float(one) for one in _kappa(total[None])[:, 0])
    if rows == 0 or np.isnan(value):
        return Interval(None, None, None, rows)
    sizes = tables.sum(axis=(1, 2))
    agreement = share_of_clusters(np.trace(tables, axis1=1, axis2=2), sizes)
    assert agreement.low is not None
    assert agreement.high is not None
    bounds = [(bound - by_chance) / (1 - by_chance) for bound in (agreement.low, agreement.high)]
    used = tables[sizes > 0]
    if len(used) > 2:
        without_each = _kappa(total[None] - used)[0]
        left = without_each[~np.isnan(without_each)]
        variance = (len(used) - 1) / len(used) * float(((left - left.mean()) ** 2).sum())
        half = students_quantile(len(used) - 1) * variance**0.5
        bounds = [min(bounds[0], value - half), max(bounds[1], value + half)]
    return Interval(value, max(bounds[0], -1.0), min(bounds[1], 1.0), rows)


def _kappa(tables: np.ndarray) -> np.ndarray:
    """[2, tables]: kappa and the agreement by chance; nan where that is 1, or there are no rows."""
    rows = tables.sum(axis=(1, 2))
    n = np.where(rows > 0, rows, np.nan)
    observed = np.trace(tables, axis1=1, axis2=2) / n
    by_chance = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / n**2
    disagreement = np.where(by_chance < 1, 1 - by_chance, np.nan)
    return np.stack([(observed - by_chance) / disagreement, by_chance])
