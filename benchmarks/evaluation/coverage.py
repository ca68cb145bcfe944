"""Coverage of the 95 % intervals by simulation: how often they hold the true value.

    python -m benchmarks.evaluation.coverage

A true mean is drawn for each trial, then the chances of its problems around that mean (`alike`: the
smaller, the more a problem is always right or always wrong), then k samples of each problem.
"""

import argparse
from collections.abc import Callable

import numpy as np

from evals.statistics import (
    compare_seeds,
    mean_of_clusters,
    paired_difference,
    paired_rate_difference,
    wilson,
)

ALIKE = (0.5, 2.0, 10.0, 1e6)  # of the beta distribution; the last: all problems equally hard
SAME = (0.0, 0.5, 0.9)  # shares of problems that have the same chance under a and b
RARE = (0.95, 0.98)


def of_mean(random: np.random.Generator, n: int, k: int, alike: float) -> bool:
    mean = random.uniform(0.03, 0.97)
    chances = random.beta(mean * alike, (1 - mean) * alike, n)
    right = random.binomial(k, chances)
    interval = wilson(int(right.sum()), n) if k == 1 else mean_of_clusters(right / k)
    return holds(interval.low, mean, interval.high)


def of_change(random: np.random.Generator, n: int, k: int, alike: float, same: float) -> bool:
    means = random.uniform(0.05, 0.95, 2)
    a, b = (random.beta(mean * alike, (1 - mean) * alike, n) for mean in means)
    before = random.binomial(k, a) / k
    # of rarely changed problems, as of a model that is trained a little, the samples are the same
    alike_samples = random.random(n) < same
    again = before if same in RARE else random.binomial(k, a) / k
    after = np.where(alike_samples, again, random.binomial(k, b) / k)
    change = (paired_difference if k == 1 else paired_rate_difference)(before, after)
    return holds(change.low, (1 - same) * float(means[1] - means[0]), change.high)


def of_seeds(random: np.random.Generator, n: int, seeds: int, alike: float) -> bool:
    means = random.uniform(0.05, 0.95, 2)
    arms = [
        random.random((seeds, n)) < random.beta(mean * alike, (1 - mean) * alike, n)
        for mean in means
    ]
    comparison = compare_seeds(*(arm.astype(float) for arm in arms))
    return holds(comparison.low, float(means[1] - means[0]), comparison.high)


def holds(low: float | None, truth: float, high: float | None) -> bool:
    return low is not None and high is not None and low - 1e-9 <= truth <= high + 1e-9


def table(
    title: str, trials: int, sizes: tuple[int, ...], per: tuple[int, ...],
    trial: Callable[..., bool], settings: list[tuple[float, ...]],
) -> None:  # fmt: skip
    """Mean coverage in percent over `settings`, and the lowest and highest of one."""
    random = np.random.default_rng(0)
    print(f"{title}\n| n | " + " | ".join(map(str, per)) + " |\n|---" * 1 + "|---" * len(per) + "|")
    for n in sizes:
        cells = []
        for k in per:
            shares = [
                100 * np.mean([trial(random, n, k, *setting) for _ in range(trials)])
                for setting in settings
            ]
            cells.append(f"{np.mean(shares):.1f} ({min(shares):.0f} to {max(shares):.0f})")
        print(f"| {n} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="coverage of the intervals, by simulation")
    parser.add_argument("--trials", type=int, default=2_000, help="of each setting")
    trials = parser.parse_args().trials
    alike = [(value,) for value in ALIKE]
    pairs = [(value, same) for value in ALIKE for same in SAME]
    rare = [(value, same) for value in ALIKE for same in RARE]
    samples, few = (1, 2, 4, 8, 16), (3, 5, 10, 20)
    table("mean, by samples k", trials, (*few, 100), samples, of_mean, alike)
    table("paired difference, by samples k", trials, (*few, 100), samples, of_change, pairs)
    table("the same, 2 to 5 % changed", trials, (60, 200, 1000), samples, of_change, rare)
    table("A/B trial, by seeds", trials, (5, 20, 100), (2, 3, 5), of_seeds, alike)


if __name__ == "__main__":
    main()
