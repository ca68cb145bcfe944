"""Texts that repeat an earlier one: with the same words, or as a near duplicate.

Near duplicates (data/text/shingles.py) are looked up by their rarest shingles, so texts that share
a template cost no more than others, and none is missed, as MinHash would miss some. Numbers count
as words: the same problem with other numbers is another problem.
"""

from collections.abc import Sequence

import numpy as np

from data.text.normalize import words
from data.text.shingles import prefix_length, shingles_of, similar

BUCKETS = 1 << 22  # of counts of shingles: 16 MB, whatever the number of texts


def repeats(texts: Sequence[str], near: bool) -> list[int | None]:
    """For each text the index of the original that it duplicates; None for originals."""
    return _near(texts) if near else _exact(texts)


def _exact(texts: Sequence[str]) -> list[int | None]:
    first: dict[str, int] = {}
    originals = [first.setdefault(" ".join(words(text)), i) for i, text in enumerate(texts)]
    return [None if original == i else original for i, original in enumerate(originals)]


def _near(texts: Sequence[str]) -> list[int | None]:
    sets = [shingles_of(words(text)) for text in texts]
    frequency = _frequency(sets)
    originals_with: dict[int, list[int]] = {}  # shingle -> texts that have it in their prefix
    repeated: list[int | None] = []
    for i, shingles in enumerate(sets):
        prefix = _rarest(shingles, frequency)
        candidates = sorted({j for shingle in prefix for j in originals_with.get(shingle, ())})
        original = next((j for j in candidates if similar(shingles, sets[j])), None)
        repeated.append(original)
        if original is None:
            for shingle in prefix:
                originals_with.setdefault(shingle, []).append(i)
    return repeated


def _frequency(sets: Sequence[np.ndarray]) -> np.ndarray:
    """[BUCKETS] int32: how many sets have a shingle of each bucket.

    Shingles that share a bucket count together. This makes a prefix less rare, not a result wrong:
    any order of shingles that is the same for all sets will do.
    """
    counts = np.zeros(BUCKETS, np.int32)
    for shingles in sets:
        np.add.at(counts, shingles % np.uint64(BUCKETS), 1)
    return counts


def _rarest(shingles: np.ndarray, frequency: np.ndarray) -> list[int]:
    """The prefix of a set: its rarest shingles; of equally rare ones those of lower hashes."""
    order = np.argsort(frequency[shingles % np.uint64(BUCKETS)], kind="stable")
    return shingles[order[: prefix_length(len(shingles))]].tolist()
