"""Near duplicates: those that comparing all pairs finds, without comparing all pairs."""

import random

from data.text import near_duplicates
from data.text.near_duplicates import repeats
from data.text.normalize import words
from data.text.shingles import shingles_of, similar


def by_all_pairs(texts: list[str]) -> list[int | None]:
    sets = [shingles_of(words(text)) for text in texts]
    repeated: list[int | None] = []
    for i, shingles in enumerate(sets):
        originals = (j for j in range(i) if repeated[j] is None)
        repeated.append(next((j for j in originals if similar(shingles, sets[j])), None))
    return repeated


def test_texts_of_all_lengths_with_some_words_changed():
    rng = random.Random(0)
    vocabulary = [f"w{n}" for n in range(300)]
    originals = [rng.choices(vocabulary, k=rng.randint(1, 120)) for _ in range(60)]
    texts = []
    for _ in range(240):
        text = list(rng.choice(originals))
        for _ in range(rng.randint(0, 4)):
            text[rng.randrange(len(text))] = f"new{rng.random()}"
        texts.append(" ".join(text))
    expected = by_all_pairs(texts)
    assert repeats(texts, near=True) == expected
    assert sum(original is not None for original in expected) > 30


def test_texts_that_share_a_template_are_not_compared_with_each_other(monkeypatch):
    template = [f"common{n}" for n in range(120)]
    texts = [
        " ".join(template[:60] + [f"own{k}x{n}" for n in range(60)] + template[60:])
        for k in range(200)
    ]
    compared = []
    monkeypatch.setattr(
        near_duplicates, "similar", lambda a, b: compared.append(1) or similar(a, b)
    )
    assert repeats([*texts, texts[7]], near=True) == [*[None] * 200, 7]
    assert len(compared) == 1
