"""Overlap of texts: the golden cases, what must always or never be found, and the work it takes."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, strategies as some

from data.duplicates import overlap
from data.duplicates.normalize import NUMBER, masked, words
from data.duplicates.overlap import KINDS, Overlap, overlaps
from data.duplicates.shingles import SHINGLE
from tests import ROOT

CASES = json.loads((ROOT / "tests/golden/overlaps.json").read_text())
GSM8K = ROOT.parent / "shared" / "data" / "gsm8k"

WORDS = some.text("abcdefgh", min_size=2, max_size=4)
TEXTS = some.lists(WORDS, min_size=1, max_size=30)


def kinds(problem: str, *trained: str) -> list[str]:
    return [one.kind for one in overlaps([problem], trained).pairs]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_kinds_are_those_of_the_golden_case(case):
    assert kinds(case["problem"], case["trained"]) == case["kinds"]


@given(TEXTS, some.sampled_from([" ", "\n", ", ", " - ", "\u00a0"]))
def test_a_copy_is_exact_and_masked_and_an_ngram_where_it_has_eight_words(text, between):
    copy = between.join(text).upper() + "."
    expected = [kind for kind in KINDS if kind != "ngram" or len(text) >= 8]
    assert kinds(" ".join(text), "something else", copy) == expected


@given(TEXTS, some.data())
def test_other_numbers_are_masked_and_not_exact(text, data):
    shares = some.integers(0, len(text))
    at, one, other = data.draw(shares), *data.draw(some.tuples(some.integers(0), some.integers(0)))
    here, there = ([*text[:at], str(n), *text[at:]] for n in (one, one + other + 1))
    result = kinds(" ".join(here), " ".join(there))
    assert ("exact" in result, "masked" in result) == (False, True)


@given(some.integers(0, 20), some.integers(1, 9), some.integers(1, 9), some.integers(1, 9))
def test_a_row_of_thirteen_words_is_an_ngram_and_one_of_twelve_is_none(more, left, right, other):
    start, end = [f"s{n}" for n in range(left)], [f"e{n}" for n in range(right)]
    alone = [f"o{n}" for n in range(other)]
    for length, expected in ((13 + more, True), (12, False)):
        common = [f"c{n}" for n in range(length)]
        problem, text = [*start, *common, *end], [*alone, *common, *alone]
        assert ("ngram" in kinds(" ".join(problem), " ".join(text))) == expected


def edited(text: list[str], shares: list[float]) -> list[str]:
    """`text` with a new word in place of the one at each of these shares of its length."""
    of = {int(share * len(text)) for share in shares}
    return [f"{word}{'z' * (at in of)}" for at, word in enumerate(text)]


@given(
    some.lists(WORDS, min_size=20, max_size=70),
    some.lists(some.lists(some.floats(0, 0.999), max_size=3), min_size=1, max_size=5),
)
def test_near_duplicates_are_those_that_comparing_all_pairs_finds(text, edits):
    trained = [edited(text, shares) for shares in edits]

    def shingles(of: list[str]) -> set[tuple[str, ...]]:
        return {tuple(of[at : at + SHINGLE]) for at in range(len(of) - SHINGLE + 1)}

    of_text = shingles(text)
    pairs = [len(of_text & theirs) / len(of_text | theirs) for theirs in map(shingles, trained)]
    best = max(pairs)
    result = overlaps([" ".join(text)], [" ".join(one) for one in trained]).pairs
    near = [(one.trained, one.similarity) for one in result if one.kind == "masked"]
    same = trained.index(text) if text in trained else pairs.index(best)
    assert near == ([(same, best)] if best >= 0.8 else [])


def test_the_first_text_and_what_is_shared_are_named():
    problem = "Tom has 3 red apples and buys 4 more. How many apples does Tom have now?"
    other = problem.replace("3", "8")
    assert overlaps(["nothing of it", problem], ["else", other, problem, problem]).pairs == [
        Overlap(1, "exact", 2),
        Overlap(1, "ngram", 1, "red apples and buys 4 more how many apples does tom have now"),
        Overlap(1, "masked", 1, similarity=1.0),
    ]


def test_numbers_in_words_are_one_number_each():
    text = "Twenty-five of 3 thousand and one hundred two; the 2nd x2 hundred-year-old hundreds"
    assert " ".join(masked(words(text))) == "# of # and # the #nd x# hundred year old hundreds"
    assert masked(["5", "6"]) == [NUMBER, NUMBER]


def test_a_problem_that_is_not_looked_up_in_full_is_named(monkeypatch):
    monkeypatch.setattr(overlap, "COMMON", 3)
    usual = "one two three eggs are in the basket of the old farmer near the lake"
    few, many = ([f"{usual} {n * 'x'}" for n in range(1, size)] for size in (4, 6))
    problem = f"{usual} y"
    assert [one.kind for one in overlaps([problem], few).pairs] == ["ngram", "masked"]
    assert overlaps([problem], few).unsure == []
    result = overlaps([problem, "quite other words than these ones"], many)
    assert ([one.kind for one in result.pairs], result.unsure) == (["ngram"], [0])


def lines_run(problems: list[str], trained: list[str]) -> int:
    """How many lines of data/duplicates/ run: this counts work, however busy the machine is."""
    folder = str(Path(overlap.__file__).parent)
    events: Counter[str] = Counter()

    def count(frame, event, argument):
        if not frame.f_code.co_filename.startswith(folder):
            return None
        events[event] += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        overlaps(problems, trained)
    finally:
        sys.settrace(before)
    return events["line"]


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "ha " * 20 * n,
        lambda n: "a - " * 20 * n,
        lambda n: "one " * 20 * n,
        lambda n: "1," * 20 * n,
        lambda n: "." * 60 * n,
        lambda n: "x" * 60 * n,
    ],
    ids=["a word", "signs", "numbers in words", "commas", "full stops", "one long word"],
)
def test_the_same_again_and_again_takes_work_in_proportion(text):
    # regular expressions run in C and count as one line: a slow one would not end on the longest
    short, long = (lines_run([text(n)], [text(n + 1)]) for n in (100, 400))
    assert long <= 4.5 * short
    overlaps([text(5_000)], [text(5_001)])


def test_texts_of_one_template_take_work_in_proportion(monkeypatch):
    monkeypatch.setattr(overlap, "COMMON", 20)  # as a thousand is for a corpus
    template = "{} has many apples and gives a few of them away to {} who eats them all at noon"

    def lines(n: int) -> int:
        problems = [template.format(f"p{i}", f"q{i}") for i in range(n)]
        trained = [template.format(f"t{i}", f"u{i}") for i in range(2 * n)]
        return lines_run(problems, trained)

    assert lines(400) <= 4.5 * lines(100)


def questions(split: str) -> list[str]:
    path = GSM8K / f"main_{split}.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    with path.open(encoding="utf-8", newline="") as file:
        return [row["question"] for row in csv.DictReader(file)]


def test_three_test_questions_of_gsm8k_share_thirteen_words_with_train_and_none_is_exact():
    test, train = questions("test"), questions("train")
    result = overlaps(test, train)
    assert result.unsure == []
    assert [(one.problem, one.kind, one.trained, one.shared) for one in result.pairs] == [
        (581, "ngram", 406, "the first movie is 1 hour and 30 minutes long while the second"),
        (602, "ngram", 1314, "miles in 3 hours at the same rate how many additional hours would"),
        (602, "masked", 1314, None),
        (632, "ngram", 20, "bought stamps at the post office some of the stamps had a snowflake"),
    ]
