"""Which problems occur in texts that were trained on: exactly, in part, or with other numbers.

exact:  the same words
ngram:  13 words in a row in common (as GPT-3 was checked, arXiv:2005.14165, appendix C); of a
        problem of 8 to 12 words all of them, a shorter one is not looked for
masked: the same words once numbers are masked, or 80 % of their sets of five words in a row
        (Jaccard) in common

The time is linear in the texts: no pair is compared that has no rare words in common.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from data.text.normalize import masked, words

KINDS = ("exact", "ngram", "masked")

NGRAM = 13  # words
SHORTEST = 8  # words of a problem that is looked for as a whole
SHINGLE = 5  # words
SIMILAR = 0.8  # Jaccard similarity, from which on texts are near-duplicates
COMMON = 1_000  # texts; nothing is looked up by a shingle that is in more of them

Shingle = tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """A problem and the first text trained on that it overlaps with, by their places.

    Of near-duplicates it is the first of the most similar.

    shared:     the words in common, of an ngram
    similarity: of the masked texts
    """

    problem: int
    kind: str
    trained: int
    shared: str | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class Overlaps:
    """At most one overlap of each kind a problem, in the order of problems and kinds.

    unsure: places of problems with no masked overlap that may have one, which was not looked up
            because what they would share is in more than COMMON texts
    """

    found: list[Overlap]
    unsure: list[int]


def overlaps(problems: Sequence[str], trained: Sequence[str]) -> Overlaps:
    """What `problems` have in common with the texts `trained` on."""
    asked, seen = [words(text) for text in problems], [words(text) for text in trained]
    found = [*_exact(asked, seen), *_ngrams(asked, seen)]
    asked, seen = [masked(text) for text in asked], [masked(text) for text in seen]
    same = [Overlap(one.problem, "masked", one.trained, None, 1.0) for one in _exact(asked, seen)]
    others = sorted(set(range(len(asked))) - {one.problem for one in same})
    similar, unsure = _similar(asked, others, seen)
    found += same + similar
    return Overlaps(sorted(found, key=lambda one: (one.problem, KINDS.index(one.kind))), unsure)


def _exact(asked: list[list[str]], seen: list[list[str]]) -> Iterator[Overlap]:
    """Nothing overlaps with a text that has no words."""
    first: dict[str, int] = {}
    for place, text in enumerate(seen):
        first.setdefault(" ".join(text), place)
    for problem, text in enumerate(asked):
        if text and (place := first.get(" ".join(text))) is not None:
            yield Overlap(problem, "exact", place)


def _ngrams(asked: list[list[str]], seen: list[list[str]]) -> Iterator[Overlap]:
    problems_with: dict[tuple[str, ...], list[int]] = {}
    for problem, text in enumerate(asked):
        if len(text) >= SHORTEST:
            for gram in set(_rows_of(text, min(NGRAM, len(text)))):
                problems_with.setdefault(gram, []).append(problem)
    lengths = sorted({len(gram) for gram in problems_with})
    done: set[int] = set()
    for place, text in enumerate(seen):
        for length in lengths:
            for gram in _rows_of(text, length):
                # taken out: its first text is named, and a gram of many texts costs no more
                for problem in problems_with.pop(gram, ()):
                    if problem not in done:
                        done.add(problem)
                        yield Overlap(problem, "ngram", place, shared=" ".join(gram))


def _similar(
    asked: list[list[str]], others: list[int], seen: list[list[str]]
) -> tuple[list[Overlap], list[int]]:
    """Near-duplicates of the problems `others`, and those of them where one may be missed."""
    shingles = {problem: set(_rows_of(asked[problem], SHINGLE)) for problem in others}
    index = _indexed(set().union(*shingles.values()), seen)
    found, unsure = [], []
    for problem, mine in shingles.items():
        nearest, skipped = _nearest(mine, index)
        if nearest:
            found.append(Overlap(problem, "masked", nearest[0], None, nearest[1]))
        elif skipped:
            unsure.append(problem)
    return found, unsure


@dataclass(frozen=True)
class _Index:
    """Where the shingles of the problems are among the texts trained on.

    places: of the texts with a shingle, COMMON + 1 at most
    known:  of each such text, those of its shingles that any problem has
    size:   of each such text, the number of all its shingles
    """

    places: dict[Shingle, list[int]]
    known: dict[int, set[Shingle]]
    size: dict[int, int]


def _indexed(wanted: set[Shingle], seen: list[list[str]]) -> _Index:
    index = _Index({shingle: [] for shingle in wanted}, {}, {})
    for place, text in enumerate(seen):
        theirs = set(_rows_of(text, SHINGLE))
        if known := theirs & wanted:
            index.known[place], index.size[place] = known, len(theirs)
            for shingle in known:
                if len(index.places[shingle]) <= COMMON:
                    index.places[shingle].append(place)
    return index


def _nearest(mine: set[Shingle], index: _Index) -> tuple[tuple[int, float] | None, bool]:
    """The first of the most similar texts with its similarity; whether a shingle was too common.

    Who shares 80 % of a set shares one of its 20 % rarest members and one more, so that only by
    these is looked: nothing is missed but what shares none of them that is not too common.
    """
    rarest = sorted(mine, key=lambda shingle: len(index.places[shingle]))
    rarest = rarest[: len(mine) - _least_in_common(len(mine)) + 1]
    rare = [shingle for shingle in rarest if len(index.places[shingle]) <= COMMON]
    nearest = None
    for place in sorted({place for shingle in rare for place in index.places[shingle]}):
        both = len(mine & index.known[place])
        similarity = both / (len(mine) + index.size[place] - both)
        if similarity >= SIMILAR and (nearest is None or similarity > nearest[1]):
            nearest = (place, similarity)
    return nearest, len(rare) < len(rarest)


def _least_in_common(size: int) -> int:
    """Shingles that a set of `size` shares with each that is similar."""
    return ceil(round(SIMILAR * size, 6))  # 0.8 * 35 is a little more than 28


def _rows_of(text: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every `length` words in a row."""
    return zip(*(text[start:] for start in range(length)), strict=False)
