"""LaTeX in what models wrote: which formulas may be rendered, because they are surely harmless.

The browser renders a formula, so only commands of an allow list pass, and nothing that could end
the formula and begin Markdown. All others stay text.
"""

import re
from collections.abc import Iterator

OPENING = re.compile(r"\\\(|\\\[|\$\$")
CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]*)\}")
LONGEST, MOST = 400, 20  # characters of a formula, formulas of a text
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
    rangle prime degree begin end limits displaystyle , ; : ! { } | \\ % _ &
    """.split()  # noqa: SIM905
) | {" "}
ENVIRONMENTS = frozenset(
    "aligned align* array cases matrix pmatrix bmatrix vmatrix gathered".split()  # noqa: SIM905
)
FORBIDDEN = re.compile(
    r"[$`#\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|<[A-Za-z/!?]"
)


def formulas(text: str) -> list[str]:
    """The first MOST formulas of `text` that may be rendered, without delimiters, in order."""
    bodies = []
    for formula in _delimited(text):
        body = " ".join(formula.split())
        if is_harmless(body):
            bodies.append(body)
            if len(bodies) == MOST:
                break
    return bodies


def _delimited(text: str) -> Iterator[str]:
    """What stands between delimiters of formulas, in order.

    A delimiter that is not closed is looked for once: a search from each opening one would take
    quadratic time.
    """
    at, unclosed = 0, set()
    while match := OPENING.search(text, at):
        opening, at = match[0], match.end()
        if opening in unclosed:
            continue
        close = text.find(CLOSING[opening], at + 1)  # a formula has a character or more
        if close < 0:
            unclosed.add(opening)
        else:
            yield text[at:close]
            at = close + len(CLOSING[opening])


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
