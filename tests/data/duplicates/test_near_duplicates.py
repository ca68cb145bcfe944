"""Near duplicates: those that comparing all pairs finds, without comparing all pairs."""

import random
from functools import cache

import pytest

from data.duplicates import near_duplicates
from data.duplicates.near_duplicates import repeats
from data.duplicates.normalize import words
from data.duplicates.shingles import shingles_of, similar
from data.sources.samples.word_problems import gsm8k_rows


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


def sharing(template: int, own: int, n: int) -> list[str]:
    """`n` texts with `template` words in common, and `own` words that no other text has."""
    common = [f"common{k}" for k in range(template)]
    texts = ([*common, *(f"{own}of{i}x{k}" for k in range(own))] for i in range(n))
    return [" ".join(text) for text in texts]


@pytest.mark.parametrize("own", [15, 20, 30, 60])  # 12 and fewer make near duplicates
def test_however_much_of_a_template_is_shared_no_two_texts_are_compared(own, monkeypatch):
    compared = []
    monkeypatch.setattr(
        near_duplicates, "similar", lambda a, b: compared.append(1) or similar(a, b)
    )
    texts = sharing(template=120, own=own, n=300)
    assert repeats([*texts, texts[7]], near=True) == [*[None] * 300, 7]
    assert len(compared) <= 1


def test_texts_of_one_template_are_near_duplicates_of_the_first_that_is_short_enough():
    longer, long, short = sharing(120, 30, 40), sharing(120, 25, 40), sharing(120, 5, 2)
    texts = [*longer, *long, *short, *sharing(120, 20, 40), *long]
    repeated = [*[None] * 81, *[80] * 41, *range(40, 80)]
    assert repeats(texts, near=True) == by_all_pairs(texts) == repeated


def of_stock_sentences(rng: random.Random) -> list[str]:
    sentences = [" ".join(rng.choices(VOCABULARY, k=12)) for _ in range(14)]
    return [" ".join(rng.sample(sentences, 8)) for _ in range(40)] + [
        " ".join(sentence for sentence in sentences if rng.random() < 0.8) for _ in range(80)
    ]


def of_templates_with_gaps(rng: random.Random) -> list[str]:
    templates = [rng.choices(VOCABULARY, k=rng.randint(5, 100)) for _ in range(5)]
    texts = []
    for _ in range(200):
        text = list(rng.choice(templates))
        for _ in range(rng.randint(0, 3)):
            text.insert(rng.randrange(len(text)), rng.choice(VOCABULARY[:20]))
        texts.append(" ".join(text + rng.choices(VOCABULARY[:8], k=rng.randint(0, 12))))
    return texts


def of_few_words(rng: random.Random) -> list[str]:
    return [" ".join(rng.choices(VOCABULARY[:3], k=rng.randint(0, 8))) for _ in range(200)]


def word_problems(rng: random.Random) -> list[str]:
    questions = [str(row["question"]) for row in gsm8k_rows(120, 0, "train")]
    return questions + [f"{question} Explain." for question in rng.sample(questions, 60)]


VOCABULARY = [f"w{n}" for n in range(3000)]
KINDS = (of_stock_sentences, of_templates_with_gaps, of_few_words, word_problems)


@pytest.mark.parametrize("common", [0, 1, 3, 32])
@pytest.mark.parametrize("texts_of", KINDS)
def test_it_does_not_matter_which_shingles_count_as_common(texts_of, common, monkeypatch):
    texts = texts_of(random.Random(5))
    monkeypatch.setattr(near_duplicates, "COMMON", common)
    assert repeats(texts, near=True) == expected(texts_of)


@cache
def expected(texts_of) -> list[int | None]:
    repeated = by_all_pairs(texts_of(random.Random(5)))
    assert len(set(repeated)) > 2, "some of the texts must repeat others"
    return repeated
