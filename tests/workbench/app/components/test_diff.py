"""What two texts of a problem differ in."""

from itertools import product

from hypothesis import given, strategies as some

from workbench.app.components.diff import MOST, WORD, common_subsequence, differing


def test_only_what_the_other_text_lacks_is_marked():
    text, other = "Ann has 4 red pens, so 4 * 2 = 8.", "Ann has 4 pens, so 4 + 2 = 6."
    assert [text[mark.start : mark.end] for mark in differing(text, other)] == ["red", "*", "8"]
    assert differing(text, text) == []


TEXT = some.text(alphabet="ab+ \n", max_size=40)


@given(TEXT, TEXT)
def test_what_is_not_marked_stands_in_the_other_text_in_the_same_order(text, other):
    marks = differing(text, other)
    starts, ends = [0, *(mark.end for mark in marks)], [*(mark.start for mark in marks), len(text)]
    unmarked = [
        word for at, to in zip(starts, ends, strict=True) for word in WORD.findall(text[at:to])
    ]
    rest = iter(WORD.findall(other))
    assert all(word in rest for word in unmarked)  # each is looked for behind the one before
    # and not all is marked where the texts have a word in common
    assert unmarked or not set(WORD.findall(text)) & set(WORD.findall(other))


def test_long_texts_are_compared_by_lines_and_very_long_ones_not_at_all():
    lines = [f"line {n} has some words" for n in range(MOST // 2)]
    other = [*lines]
    other[7] = "another line"
    text = "\n".join(lines)
    assert [text[m.start : m.end] for m in differing(text, "\n".join(other))] == [lines[7]]
    assert differing("a\n" * (MOST + 1), "b") == []


class Counted(str):
    """A word that counts how often any of them is looked up or compared."""

    looks = 0

    def __hash__(self) -> int:
        Counted.looks += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return super().__eq__(other)


def test_texts_that_loop_are_compared_with_a_few_looks_at_each_word():
    words = [Counted(word) for word in ["wait", "no", "so"] * 500]
    beside = [Counted(word) for word in ["so", "no", "wait", "yes"] * 375]
    Counted.looks = 0
    assert sum(common_subsequence(words, beside)) > 700
    assert Counted.looks <= 5 * (len(words) + len(beside))


@given(some.text("ab", max_size=12), some.text("abc", max_size=12))
def test_what_two_texts_share_is_as_much_as_they_can(text, other):
    lengths = [[0] * (len(other) + 1) for _ in range(len(text) + 1)]
    for i, j in product(range(len(text)), range(len(other))):
        lengths[i + 1][j + 1] = (
            lengths[i][j] + 1 if text[i] == other[j] else max(lengths[i][j + 1], lengths[i + 1][j])
        )
    assert sum(common_subsequence(text, other)) == lengths[-1][-1]
