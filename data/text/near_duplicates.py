"""Texts that repeat an earlier one: in the same words, or nearly.

Nearly: the sets of their runs of five words have 80 % in common (Jaccard). Pairs are proposed by
MinHash in bands (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3)
and then compared in full, so that none is found that is not there, and of those there one in ten
million is missed. Numbers count as words: the same problem with other numbers is another problem.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from data.text.normalize import words
from data.text.overlap import SHINGLE, SIMILAR

BANDS, ROWS = 32, 4  # a pair at 0.8 is missed in (1 - 0.8 ** 4) ** 32 = 5e-8 of cases
HELD = 4_096  # texts whose shingles are kept at hand for comparing
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: of a hash by multiplication


def repeats(texts: Sequence[str], near: bool) -> list[int | None]:
    """For each text the place of the first that it repeats, which repeats none; else None."""
    return _near(texts) if near else _exact(texts)


def _exact(texts: Sequence[str]) -> list[int | None]:
    first: dict[str, int] = {}
    found = [first.setdefault(" ".join(words(text)), place) for place, text in enumerate(texts)]
    return [None if found[place] == place else found[place] for place in range(len(texts))]


def _near(texts: Sequence[str]) -> list[int | None]:
    draw = np.random.default_rng(0)
    factors = draw.integers(1, 2**63, BANDS * ROWS, np.uint64) | np.uint64(1)
    shifts = draw.integers(0, 2**63, BANDS * ROWS, np.uint64)

    @lru_cache(HELD)
    def shingles(place: int) -> np.ndarray:
        return shingles_of(texts[place])

    buckets: dict[tuple[int, bytes], list[int]] = {}
    found: list[int | None] = []
    for place in range(len(texts)):
        mine = shingles(place)
        signature = _signature(mine, factors, shifts).reshape(BANDS, ROWS)
        keys = [(band, row.tobytes()) for band, row in enumerate(signature)]
        candidates = sorted({other for key in keys for other in buckets.get(key, ())})
        same = next((one for one in candidates if similar(mine, shingles(one))), None)
        found.append(same)
        if same is None:
            for key in keys:
                buckets.setdefault(key, []).append(place)
    return found


def shingles_of(text: str) -> np.ndarray:
    """The different runs of SHINGLE words, as hashes; of a shorter text all of it.

    returns: [shingles]  uint64, sorted
    """
    found = words(text)
    if len(found) <= SHINGLE:
        return np.array([zlib.crc32(" ".join(found).encode())], np.uint64)
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in found), np.uint64, len(found))
    rows = np.lib.stride_tricks.sliding_window_view(hashes, SHINGLE)
    mixed = np.zeros(len(rows), np.uint64)
    for column in range(SHINGLE):
        mixed = (mixed ^ rows[:, column]) * MIX
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def _signature(shingles: np.ndarray, factors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """The least of each hash function over the shingles.

    shingles: [shingles] uint64    factors, shifts: [functions] uint64
    returns:  [functions] uint64
    """
    least = np.full(len(factors), np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(shingles), 1024):  # a block of 1 MB at a time
        block = shingles[start : start + 1024, None] * factors + shifts
        least = np.minimum(least, (block >> np.uint64(11)).min(axis=0))
    return least


def similar(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sets of shingles have SIMILAR of their union in common."""
    both = np.intersect1d(first, second, assume_unique=True).size
    return both >= SIMILAR * (first.size + second.size - both) - 1e-9
