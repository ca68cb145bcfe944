r"""What stands beside a box and changes its value; and what merely goes on with the sentence."""

import pytest

from data.numbers.beside import in_context

CHANGED = [
    (r"[5] \pmod 7", "5 (mod 7)"), (r"$[5]$ (mod 7)", "5 (mod 7)"), (r"[5] mod 7", "5 mod 7"),
    (r"[5]\%", "5%"), (r"$[5]$%", "5%"), ("[5] percent", "5 percent"),
    (r"[5] \cdot 10^3", "5 \u00d710^3"), ("[5]/2", "5/2"), (r"\frac{[5]}{2}", "5/2"),
    ("[5]^2", "5^2"), ("[101]_2", "101_2"), ("[101]_{2}", "101_{2}"), ("[5] million", "5 million"),
    (r"$[5]\sqrt{2}$", r"5\sqrt{2}"), ("$[5]i$", "5i"), ("$3 + [5]i$", "3 + 5i"),
    ("-[5]", "-5"), ("it is minus [5]", "minus 5"), ("$[x^2] + C$", "x^2 + C"),
    (r"$[x+1]/2$", "(x+1)/2"), (r"$[(1,2)] \cup (3,4)$", r"(1,2) \cup (3,4)"),
    ("[7:30] p.m.", "7:30 pm"), ("[5] 1/2", "5 1/2"), ("[5]-6", "5-6"), ("3:[5]", "3:5"),
]  # fmt: skip
UNREADABLE = [
    "2[5]", "[5]000", "[5],000", "[5].5", r"\sqrt{[5]}", r"$2^{[5]}$", "not [5]", "twice [5]",
    "half of [5]", "[5] is wrong", "[5] or 6", "[5] or maybe 6", "[5], 6", "[5] to 6 days",
    "[A] or B", "[A] & B", "[5] or more", "[5]+", "[5] feet 6 inches", "[5] less than x",
    "$[5]!$", "$[A]'$", r"\pm [5]",
]  # fmt: skip
UNCHANGED = [
    "[5]", "[5].", "[5] dollars", "[5], because 2 + 3 = 5", "so $[5]$ hours", r"$[5]\text{ cm}^2$",
    r"\[ x = [5] \]", "- [5]", "1. [5]", "Step 2 - [5]", "Answer - [5]", "at least [5]", "x > [5]",
    "[5] more than Tom", "[5] of 12 students", "[5] times as many", "[5] - that is all", "[5]!",
    "a [5]-day week", "[5]/day", "[5] or five", "[5] = 10/2", "$[5]$ (since $x > 0$)", "| [5] |",
    "(a) [5]", "[B] (12 apples)", "[B]: the longest", r"$[30]^\circ$", "[6]th", r"\$[5]",
    r"\color{red}{[5]}", r"$\displaystyle[5]$", "{[5]}", "\u7b54\u6848\u662f[5]\u3002", "is[5]",
    r"He pays $5 and gets [3] apples for $6", "[3] and so he has 4 left", "[5] \\\\ so 3",
    r"\begin{aligned} x &= [5] \\ y &= 3 \end{aligned}",
]  # fmt: skip


def read(text: str) -> tuple[str | None, bool]:
    opening, closing = text.index("["), text.index("]")
    if text.startswith("\\["):
        opening, closing = text.index("[", 2), text.index("]")
    content = text[opening + 1 : closing]
    boxed = f"{text[:opening]}\\boxed{{{content}}}{text[closing + 1 :]}"
    return in_context(boxed, opening, opening + len(content) + 8, content)


@pytest.mark.parametrize(("text", "together"), CHANGED)
def test_what_changes_the_value_is_read_with_the_box(text, together):
    result, is_changed = read(text)
    assert (result, is_changed) == (together, True)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_with_the_box_is_unreadable(text):
    assert read(text) == (None, True)


@pytest.mark.parametrize("text", UNCHANGED)
def test_a_sentence_that_goes_on_does_not_change_the_box(text):
    result, is_changed = read(text)
    assert (result in text, is_changed) == (True, False)
