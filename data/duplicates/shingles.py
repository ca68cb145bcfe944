"""Shingles: the runs of SHINGLE words of a text, by whose sets two texts are compared.

Two texts are near duplicates if their sets have a Jaccard similarity of SIMILAR or more. Such sets
share at least `least_in_common` members, so they share one of the first `prefix_length` of each, in
any order that is the same for all sets (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006;
Bayardo, Ma and Srikant, WWW 2007). With the rarest first, few other texts share one of these.
"""

import zlib
from math import ceil
from typing import Any

import numpy as np

SHINGLE = 5  # words
SIMILAR = 0.8  # Jaccard similarity, from which on texts are near duplicates
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: of a hash by multiplication


def least_in_common(size: int) -> int:
    """Members that a set of `size` shares with every set that is similar to it."""
    return ceil(round(SIMILAR * size, 6))  # 0.8 * 35 is a little more than 28


def prefix_length(size: int) -> int:
    """How many members of a set of `size` are looked up, so that no similar set is missed."""
    return size - least_in_common(size) + 1


def shingles_of(words: list[str]) -> np.ndarray:
    """The different shingles as hashes; of a text with fewer than SHINGLE words, all of it.

    returns: [shingles]  uint64, sorted
    """
    if len(words) <= SHINGLE:
        return np.array([zlib.crc32(" ".join(words).encode())], np.uint64)
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in words), np.uint64, len(words))
    rows = np.lib.stride_tricks.sliding_window_view(hashes, SHINGLE)
    mixed = np.zeros(len(rows), np.uint64)
    for column in range(SHINGLE):
        mixed = (mixed ^ rows[:, column]) * MIX
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def similar(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the sets `first` and `second`, of `shingles_of`, are near duplicates."""
    shared = np.intersect1d(first, second, assume_unique=True).size
    return bool(are_near(shared, first.size, second.size))


def are_near(shared: Any, first: int, second: Any) -> Any:
    """Whether sets of the sizes `first` and `second` with `shared` members are near duplicates.

    shared, second: ints, or arrays of the same length
    """
    return shared >= SIMILAR * (first + second - shared) - 1e-9
