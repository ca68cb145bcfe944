"""Texts that repeat an earlier one: with the same words, or as a near duplicate.

Near duplicates (shingles.py) are looked up by their rarest shingles, so few texts are
compared and none is missed. Texts that share a template have few rare shingles, and would each be
compared with all others. So common shingles are not looked up one by one: texts that have the same
ones are a group, and how many two groups have in common is counted once for all their texts.
Numbers count as words: the same problem with other numbers is another problem.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from data.duplicates.normalize import words
from data.duplicates.shingles import are_near, prefix_length, shingles_of, similar

BUCKETS = 1 << 22  # of counts of shingles: 16 MB, whatever the number of texts
COMMON = 32  # a shingle that is in more texts is common


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
    by_rare, by_common = _OriginalsByRare(sets), _OriginalsByCommon()
    repeated: list[int | None] = []
    for i, shingles in enumerate(sets):
        text = _looked_up(i, shingles, frequency)
        firsts = (by_rare.first_near(text), by_common.first_near(text))
        repeated.append(min((first for first in firsts if first is not None), default=None))
        if repeated[-1] is None:
            by_rare.add(text)
            by_common.add(text)
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


@dataclass(frozen=True)
class _Text:
    """A text with the prefix of its shingles, the rarest, by which it is looked up.

    rare, common_prefix: the prefix, in two parts
    common: all common shingles of the text, sorted; empty if none is in the prefix
    """

    index: int
    size: int
    rare: list[int]
    common_prefix: list[int]
    common: np.ndarray


def _looked_up(index: int, shingles: np.ndarray, frequency: np.ndarray) -> _Text:
    counts = frequency[shingles % np.uint64(BUCKETS)]
    order = np.argsort(counts, kind="stable")  # of equally rare ones those of lower hashes first
    prefix = shingles[order[: prefix_length(len(shingles))]]
    rare = min(int(np.count_nonzero(counts <= COMMON)), len(prefix))
    common = shingles[counts > COMMON] if rare < len(prefix) else shingles[:0]
    return _Text(index, len(shingles), prefix[:rare].tolist(), prefix[rare:].tolist(), common)


@dataclass
class _OriginalsByRare:
    """Originals by the rare shingles of their prefixes."""

    sets: Sequence[np.ndarray]
    with_shingle: dict[int, list[int]] = field(default_factory=dict)

    def first_near(self, text: _Text) -> int | None:
        candidates = {j for shingle in text.rare for j in self.with_shingle.get(shingle, ())}
        shingles = self.sets[text.index]
        return next((j for j in sorted(candidates) if similar(shingles, self.sets[j])), None)

    def add(self, text: _Text) -> None:
        for shingle in text.rare:
            self.with_shingle.setdefault(shingle, []).append(text.index)


@dataclass
class _Group:
    """Originals with the same common shingles.

    smallest: index and size of each original that is smaller than all before it. Whether a text
              is near others only by common shingles depends on their sizes alone, so no other
              original can be the first.
    """

    smallest: list[tuple[int, int]] = field(default_factory=list)


class _OriginalsByCommon:
    """Originals with common shingles in their prefixes, in groups with the same common ones.

    A near duplicate that shares a rare shingle has it in its prefix, if that has common ones too:
    the rarest come first. So here only pairs matter that share nothing but common shingles.
    """

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self.number_of: dict[bytes, int] = {}  # the common shingles of a group -> its number
        self.smallest = array("q")  # of each group, the size of its smallest original
        self.with_shingle: dict[int, array[int]] = {}  # common shingle -> numbers of groups

    def first_near(self, text: _Text) -> int | None:
        numbers = [self.with_shingle[s] for s in text.common.tolist() if s in self.with_shingle]
        if not numbers:
            return None
        smallest = np.frombuffer(self.smallest, np.int64)
        shared = np.bincount(np.concatenate(numbers), minlength=len(smallest))
        return min(
            (
                index
                for number in np.flatnonzero(are_near(shared, text.size, smallest))
                for index, size in self.groups[number].smallest
                if are_near(shared[number], text.size, size)
            ),
            default=None,
        )

    def add(self, text: _Text) -> None:
        if not text.common_prefix:
            return
        number = self.number_of.setdefault(text.common.tobytes(), len(self.groups))
        if number == len(self.groups):
            self.groups.append(_Group())
            self.smallest.append(text.size)
            for shingle in text.common.tolist():
                self.with_shingle.setdefault(shingle, array("q")).append(number)
        group = self.groups[number]
        if not group.smallest or text.size < group.smallest[-1][1]:
            group.smallest.append((text.index, text.size))
            self.smallest[number] = text.size
