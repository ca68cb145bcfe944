"""Loops: every one is found, wherever it begins, and ordinary repetition is none."""

import pytest
from hypothesis import given, settings, strategies as st

from data.duplicates.loops import LENGTH, loop_in, may_loop

WORDS = st.text(alphabet="abcdefgh", min_size=2, max_size=12)
PROSE = " ".join(f"word{n} follows number {n * 7}." for n in range(400))


@settings(max_examples=300, deadline=None)
@given(
    unit=st.lists(WORDS, min_size=4, max_size=8),
    before=st.integers(0, 700),
    more=st.integers(0, 30),
)
def test_a_phrase_said_over_and_over_is_found_wherever_it_begins(unit, before, more):
    phrase = " ".join(unit) + " "
    times = max(8, -(-LENGTH // len(phrase)) + 1) + more
    text = PROSE[:before] + " " + phrase * times + PROSE[:900]
    assert may_loop(text)
    loop = loop_in(text)
    assert loop
    assert loop[0] <= before + 1 + len(phrase)


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.text("abc xyz", min_size=60, max_size=400), min_size=1, max_size=4),
    before=st.integers(0, 700),
)
def test_lines_that_repeat_are_found(lines, before):
    block = "\n".join(f"a {line} b" for line in lines) + "\n"
    assert loop_in(PROSE[:before] + "\n" + block * 6 + PROSE[:500])


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "0" * 100,
        "-" * 5_000,
        "| --- " * 200,
        "0 1 " * 40,
        "0\n" * 55,
        "Wait, let me check. " * 6,
        "\n".join(f"Step {n}: add {n}." for n in range(300)),
    ],
    ids=["prose", "digits", "rule", "table", "zeros", "column", "six times", "numbered"],
)
def test_ordinary_repetition_is_no_loop(text):
    assert loop_in(text) is None


def test_lines_of_formatting_may_come_as_often_as_they_like():
    steps = "".join(f"Then step {n} gives\n\\[\nx = {n}\n\\]\n" for n in range(40))
    assert not may_loop(steps)
    assert may_loop(steps + "and again\n" * 8 * 5)


@pytest.mark.parametrize("copy", ["7 ", "a ", "0, 1, ", "12\n", "x = 1, ", "1" + " 2" * 150 + "\n"])
@pytest.mark.parametrize("before", [0, 101, 191])
def test_numbers_and_letters_that_never_end_are_a_loop(copy, before):
    text = PROSE[:before] + copy * 130
    assert may_loop(text)
    assert loop_in(text)
