"""LaTeX in what models wrote: which formulas may be rendered, because they are surely harmless.

The browser renders a formula, so only commands of an allow list pass, and nothing that could end
the formula and begin Markdown. All others stay text.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

OPENING = re.compile(
    r"\\\(|\\\[|\$\$|\\begin\{(?:align|aligned|gather|gathered|equation)\*?\}|\\boxed\s?\{"
    r"|(?<![\\$\w])\$(?=[^\s$])"
)
CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]*)\}")
LONGEST, MOST = 2_000, 400  # characters of a formula, formulas of a text
DEEPEST = 20  # levels of nested braces
COMMANDS = frozenset(
    """
    frac dfrac tfrac cfrac sqrt binom boxed text textbf mathrm mathbf mathit mathbb left right big
    Big cdot times div pm mp ast circ le leq ge geq ne neq lt gt approx equiv sim cong propto to
    rightarrow leftarrow Rightarrow Leftarrow implies iff mapsto in notin subset cup cap emptyset
    forall exists neg land lor ldots cdots dots vdots quad qquad sum prod int lim infty partial sin
    cos tan cot sec csc arcsin arccos arctan log ln exp min max gcd mod bmod pmod deg det dim alpha
    beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
    phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega overline underline hat bar
    vec dot tilde overrightarrow angle triangle perp parallel mid lfloor rfloor lceil rceil langle
    rangle prime degree begin end limits displaystyle textstyle operatorname therefore because
    setminus subseteq supset supseteq mathcal mathbb mathrm textrm textit underbrace overbrace
    bigl bigr Bigl Bigr bigg Bigg cancel star bullet ell Re Im colon tag , ; : ! { } | \\ % _ & $
    """.split()  # noqa: SIM905
) | {" "}
ENVIRONMENTS = frozenset(
    """aligned align* align equation equation* gather gather* gathered array cases matrix pmatrix
    bmatrix vmatrix""".split()  # noqa: SIM905
)
FORBIDDEN = re.compile(
    r"[`#\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|<[A-Za-z/!?]"
    r"|(?<!\\)\$|\]\(|!\["
)


class Formula(NamedTuple):
    """text[start:end], with its delimiters; body: what is between them, in one line."""

    start: int
    end: int
    body: str
    is_display: bool


def formulas(text: str) -> list[Formula]:
    """The first MOST formulas of `text` that may be rendered, in order."""
    harmless = []
    for formula in _delimited(text):
        if is_harmless(formula.body):
            harmless.append(formula)
            if len(harmless) == MOST:
                break
    return harmless


def _delimited(text: str) -> Iterator[Formula]:
    """What stands between delimiters of formulas, in order.

    A delimiter that is not closed is looked for once: a search from each opening one would take
    quadratic time. So would an unclosed dollar, brace or environment, which LONGEST limits.
    """
    at, unclosed = 0, set()
    braces = _braces(text) if "\\boxed" in text else {}
    while match := OPENING.search(text, at):
        opening, at = match[0], match.end()
        if opening in unclosed:
            continue
        inner, close, end = _ends(text, opening, match.start(), at, braces)
        if end > 0:
            body = " ".join(text[inner:close].split())
            is_display = opening in ("\\[", "$$") or opening.startswith("\\begin")
            yield Formula(match.start(), end, body, is_display)
            at = end
        elif opening in CLOSING:
            unclosed.add(opening)


def _braces(text: str) -> dict[int, int]:
    """Where each opening brace is, and the one that closes it."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for brace in BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            closing[opened.pop()] = brace.start()
    return closing


def _ends(
    text: str, opening: str, start: int, inner: int, braces: dict[int, int]
) -> tuple[int, int, int]:
    """Where the body of a formula begins and ends, and the formula ends; ends 0 if it does not.

    braces: of `_braces`
    """
    most = inner + LONGEST
    if opening in CLOSING:
        close = text.find(CLOSING[opening], inner + 1)  # a formula has a character or more
        return (inner, close, close + len(CLOSING[opening])) if close > 0 else (0, 0, 0)
    if opening == "$":
        close = _closing_dollar(text, inner, most)
        return (inner, close, close + 1) if close > 0 else (0, 0, 0)
    if opening.startswith("\\begin"):
        closing = opening.replace("begin", "end")
        close = text.find(closing, inner, most)
        return (start, close + len(closing), close + len(closing)) if close > 0 else (0, 0, 0)
    end = braces.get(inner - 1, most) + 1
    return (start, end, end) if end <= most else (0, 0, 0)


def _closing_dollar(text: str, inner: int, most: int) -> int:
    """Where a formula ends that a dollar began; -1 where that is a price, by Pandoc's rule.

    The next dollar follows a character other than a blank, and no digit follows it.
    """
    close = text.find("$", inner, most)
    while close > 0 and text[close - 1] == "\\":
        close = text.find("$", close + 1, most)
    if close < 0 or text[close - 1].isspace() or text[close + 1 : close + 2].isdigit():
        return -1
    return -1 if "\n\n" in text[inner:close] else close


def is_harmless(body: str) -> bool:
    """Whether a formula holds nothing but mathematics."""
    if not body or len(body) > LONGEST or FORBIDDEN.search(body):
        return False
    if not set(COMMAND.findall(body)) <= COMMANDS:
        return False
    if not set(ENVIRONMENT.findall(body)) <= ENVIRONMENTS:
        return False
    depth = deepest = 0
    for sign in COMMAND.sub("", body):
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
        if depth < 0:
            return False
    return depth == 0 and deepest <= DEEPEST
