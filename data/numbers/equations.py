"""Equations: their sides, and whether one is about an unknown that is not solved for."""

from data.numbers.lexicon import INVERTIBLE, MODULO, UNIT_LETTERS
from data.numbers.notation import Token
from data.numbers.quantities import OPERATORS, at

ABOUT, CONGRUENT = "\u2248", "\u2261"


def sides_of(tokens: list[Token]) -> list[tuple[str, list[Token]]]:
    """The sides of equations, each with the sign before it; P(X = 2) is no equation."""
    sides: list[tuple[str, list[Token]]] = [("=", [])]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]") and depth > 0)
        if token.text in ("=", ABOUT, CONGRUENT) and not depth:
            sides.append((token.text, []))
        else:
            sides[-1][1].append(token)
    return sides


def of_a_class(tokens: list[Token]) -> list[Token]:
    """The side of a congruence with (mod 5) for mod 5: x \u2261 7 mod 5 is a class of numbers."""
    result: list[Token] = []
    for token in tokens:
        if token.word in MODULO and not (result and result[-1].text == "("):
            result.append(Token("symbol", "(", token.start, token.start, True))
        result.append(token)
    return result


def is_unsolved(tokens: list[Token]) -> bool:
    """Whether the side of an equation is about one unknown, as 2x + 3; f(3) and a + b are names."""
    commands = {token.text[1:] for token in tokens if token.kind == "latex"}
    if len(_variables(tokens)) != 1 or not commands <= INVERTIBLE:
        return False
    words = {token.word for token in tokens}
    is_changed = any(token.kind in ("number", "power") or token.text in "-|" for token in tokens)
    return bool(commands or words & INVERTIBLE) or is_changed


def is_algebra(tokens: list[Token]) -> bool:
    """Whether the side of an equation is an expression in letters or functions, as a + b."""
    is_joined = any(token.kind == "number" or token.text in OPERATORS for token in tokens)
    return is_joined and (bool(_variables(tokens)) or any(t.kind == "latex" for t in tokens))


def _variables(tokens: list[Token]) -> set[str]:
    """The letters that are variables: no unit after a number, no product, no name as f(x), a_1."""
    letters = set()
    for index, token in enumerate(tokens):
        before, after = at(tokens, index - 1).kind, at(tokens, index + 1)
        is_unit = before == "number" and token.text in UNIT_LETTERS
        is_product = before == "number" and after.kind == "number" and token.text in "xX"
        is_name = after.text in ("(", "_")
        if len(token.word) == 1 and token.text.isascii() and not (is_unit or is_product or is_name):
            letters.add(token.text)
    return letters


def start_of_function(tokens: list[Token], index: int) -> int | None:
    """Where the name begins of a function whose argument is tokens[index]: f(5), g'(5), f_1(5).

    None where tokens[index] is no argument. In 2f(5) the factor belongs to the name.
    """
    bracket = at(tokens, index - 1)
    if bracket.text not in ("(", "[") or bracket.spaced:
        return None
    start = index - 2
    for _ in range(4):
        token = at(tokens, start)
        is_subscript = token.kind == "number" and at(tokens, start - 1).text == "_"
        if not (is_subscript or token.kind == "power" or token.text in ("'", '"', "_")):
            break
        start -= 1
    name = at(tokens, start)
    letters = name.word.partition("'")[0]
    if len(letters) != 1 or not letters.isascii():
        return None
    has_factor = at(tokens, start - 1).kind == "number" and not name.spaced
    return start - has_factor
