"""Formulas in what models wrote: drawn only where harmless, and told from prices."""

import pytest

from tests.support import hostile
from workbench.app.components.latex import LONGEST, formulas, is_harmless


def bodies(text: str) -> list[str]:
    return [formula.body for formula in formulas(text)]


@pytest.mark.parametrize(
    "body",
    [
        r"\frac{1}{2} \cdot 3 = \boxed{1.5}",
        r"x^2 + \sqrt{y} \le 3",
        r"\begin{aligned} a &= 1 \\ b &= 2 \end{aligned}",
        r"50\% \text{ of } 8",
        r"\$18",
    ],
)
def test_mathematics_is_drawn(body):
    assert bodies(f"so \\({body}\\) and \\[ {body} \\] or $${body}$$") == [body] * 3
    assert bodies(f"(${body}$)") == [body]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"so \boxed{\frac{1}{2}} it is", [r"\boxed{\frac{1}{2}}"]),
        (r"so \boxed {5}.", [r"\boxed {5}"]),
        (r"so \boxed{5", []),
        ("\\begin{align*} a &= 1 \\end{align*}!", [r"\begin{align*} a &= 1 \end{align*}"]),
        (r"\begin{align} a", []),
        ("$x$ and $y$", ["x", "y"]),
        ("$x\n+ y$", ["x + y"]),
        ("$x\n\n+ y$", []),
    ],
)
def test_what_is_written_without_delimiters_or_with_single_dollars_is_drawn(text, expected):
    assert bodies(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it costs $5 and then $7", []),
        ("$5-$7, or $1,000", []),
        ("3 for $5, so each is $x = 5/3$ dollars", ["x = 5/3"]),
        ("A$5 and US$6$", []),
        ("$ 5 $", []),
        (r"\$5 and \$6", []),
        ("paid $20.", []),
    ],
)
def test_prices_are_no_formulas(text, expected):
    assert bodies(text) == expected


@pytest.mark.parametrize(
    "body",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\url{http://x}",
        r"\def\x{\x\x}\x",
        r"\newcommand{\x}{1}",
        r"\includegraphics{x}",
        r"\htmlClass{a}{b}",
        r"\input{/etc/passwd}",
        r"\begin{verbatim}x\end{verbatim}",
        "1 $$ # big",
        "`code`",
        "{" * 30 + "x" + "}" * 30,
        "} x {",
        "{x",
        "x\u202ey",
        "x" * (LONGEST + 1),
        "",
    ],
)
def test_what_is_more_than_mathematics_is_left_as_text(body):
    assert not is_harmless(" ".join(body.split()))
    assert bodies(f"\\({body}\\)") == []


def test_no_hostile_text_is_drawn():
    for text in hostile.TEXTS.values():
        short = text[:10_000]
        assert bodies(short) == []
        assert bodies(f"\\({short}\\)") == []
