"""Contamination: which problems occur in training texts exactly, in part, or with other numbers.

exact:  the same words
ngram:  a run of 13 words in common (as GPT-3 was checked, arXiv:2005.14165, appendix C); of a
        problem of 8 to 12 words all of them; shorter ones are not looked for
masked: the same words once numbers are masked, or near duplicates (shingles.py) of each
        other then

The time is linear in the texts: only pairs with rare shingles in common are compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data.duplicates.normalize import masked, words
from data.duplicates.shingles import SHINGLE, SIMILAR, prefix_length

KINDS = ("exact", "ngram", "masked")

NGRAM = 13  # words
SHORTEST = 8  # words of a problem; shorter ones are not looked for
COMMON = 1_000  # texts; a shingle that is in more of them is not looked up

Shingle = tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """A problem and the first training text that it overlaps with, by their indices.

    Of near duplicates it is the first of the most similar.

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
    """At most one overlap of each kind for a problem, in the order of problems and kinds.

    unsure: indices of problems without a masked overlap that may have one: it was not looked up,
            because what they would share is in more than COMMON texts
    """

    pairs: list[Overlap]
    unsure: list[int]


def overlaps(problems: Sequence[str], trained: Sequence[str]) -> Overlaps:
    """What `problems` have in common with the texts `trained` on."""
    questions, texts = [words(text) for text in problems], [words(text) for text in trained]
    pairs = [*_exact(questions, texts), *_ngrams(questions, texts)]
    questions, texts = [masked(text) for text in questions], [masked(text) for text in texts]
    same = [Overlap(o.problem, "masked", o.trained, None, 1.0) for o in _exact(questions, texts)]
    rest = sorted(set(range(len(questions))) - {overlap.problem for overlap in same})
    similar, unsure = _similar(questions, rest, texts)
    pairs += same + similar
    return Overlaps(sorted(pairs, key=lambda o: (o.problem, KINDS.index(o.kind))), unsure)


def _exact(questions: list[list[str]], texts: list[list[str]]) -> Iterator[Overlap]:
    """Nothing overlaps with a text that has no words."""
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(" ".join(text), i)
    for problem, question in enumerate(questions):
        if question and (i := first.get(" ".join(question))) is not None:
            yield Overlap(problem, "exact", i)


def _ngrams(questions: list[list[str]], texts: list[list[str]]) -> Iterator[Overlap]:
    problems_with: dict[tuple[str, ...], list[int]] = {}
    for problem, question in enumerate(questions):
        if len(question) >= SHORTEST:
            for gram in set(_runs_of(question, min(NGRAM, len(question)))):
                problems_with.setdefault(gram, []).append(problem)
    lengths = sorted({len(gram) for gram in problems_with})
    done: set[int] = set()
    for i, text in enumerate(texts):
        for length in lengths:
            for gram in _runs_of(text, length):
                # removed, because only the first text with it counts: so a gram that is in many
                # texts costs no more than another
                for problem in problems_with.pop(gram, ()):
                    if problem not in done:
                        done.add(problem)
                        yield Overlap(problem, "ngram", i, shared=" ".join(gram))


def _similar(
    questions: list[list[str]], rest: list[int], texts: list[list[str]]
) -> tuple[list[Overlap], list[int]]:
    """Near duplicates of the problems `rest`, and those of them for which one may be missed."""
    shingles = {problem: set(_runs_of(questions[problem], SHINGLE)) for problem in rest}
    index = _index_of(set().union(*shingles.values()), texts)
    pairs, unsure = [], []
    for problem, of_problem in shingles.items():
        nearest, skipped = _nearest(of_problem, index)
        if nearest:
            pairs.append(Overlap(problem, "masked", nearest[0], None, nearest[1]))
        elif skipped:
            unsure.append(problem)
    return pairs, unsure


@dataclass(frozen=True)
class _Index:
    """The training texts that have shingles of problems, by their indices.

    texts_with: shingle of a problem -> the texts that have it, COMMON + 1 at most
    shared:     text -> those of its shingles that any problem has
    size:       text -> the number of all its shingles
    """

    texts_with: dict[Shingle, list[int]]
    shared: dict[int, set[Shingle]]
    size: dict[int, int]


def _index_of(of_problems: set[Shingle], texts: list[list[str]]) -> _Index:
    index = _Index({shingle: [] for shingle in of_problems}, {}, {})
    for i, text in enumerate(texts):
        shingles = set(_runs_of(text, SHINGLE))
        if shared := shingles & of_problems:
            index.shared[i], index.size[i] = shared, len(shingles)
            for shingle in shared:
                if len(index.texts_with[shingle]) <= COMMON:
                    index.texts_with[shingle].append(i)
    return index


def _nearest(shingles: set[Shingle], index: _Index) -> tuple[tuple[int, float] | None, bool]:
    """The first of the most similar texts with its similarity; whether a shingle was too common.

    Only the rarest shingles are looked up (shingles.py), so a similar text is missed
    only if those that it shares of them are too common.
    """
    rarest = sorted(shingles, key=lambda shingle: len(index.texts_with[shingle]))
    rarest = rarest[: prefix_length(len(shingles))]
    rare = [shingle for shingle in rarest if len(index.texts_with[shingle]) <= COMMON]
    nearest = None
    for i in sorted({i for shingle in rare for i in index.texts_with[shingle]}):
        both = len(shingles & index.shared[i])
        similarity = both / (len(shingles) + index.size[i] - both)
        if similarity >= SIMILAR and (nearest is None or similarity > nearest[1]):
            nearest = (i, similarity)
    return nearest, len(rare) < len(rarest)


def _runs_of(text: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` words."""
    return zip(*(text[start:] for start in range(length)), strict=False)
