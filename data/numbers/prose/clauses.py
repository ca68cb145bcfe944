"""Several numbers in one clause: of "$12 for 3 books" neither is certainly the answer."""

from data.numbers.lexicon import (
    BEFORE_NUMBERS,
    CONCLUSIONS,
    DENIALS,
    PREPOSITIONS,
    SUBORDINATORS,
    TOTALS,
)
from data.numbers.notation import Token
from data.numbers.quantities import NO_VALUE, Quantity, at, end_of_unit

ARTICLES = frozenset({"the", "my", "our", "your", "their", "indeed"})
RESULTS = TOTALS | frozenset(
    {"difference", "product", "quotient", "answer", "result", "solution", "number", "value"}
)
PARTS_OF = frozenset({"of", "between", "from", "for", "when", "if", "to"})
VERBS = frozenset({"is", "are", "was", "were", "equals", "equal", "makes", "gives", "becomes"})
MOST = 6  # numbers of a clause that are compared

_SENTENCE_ENDS = frozenset({".", "!", "?", ":", ";", "|", "\u2026"})


def rivals(tokens: list[Token], earlier: list[Quantity], last: Quantity) -> list[Quantity]:
    """The earlier quantities of its clause that may be the answer instead of the last quantity.

    There are none where a verb or an equation leads to the last one ("3 books cost $12"), except
    one that says the same of both ("Tom has 5 apples and Jane has 3").
    """
    start = _start_of_clause(tokens, last.start)
    together = [
        item
        for item in earlier[-MOST:]
        if item.start >= start and item.reason != NO_VALUE and not _is_same(item, last)
    ]
    if not together:
        return []
    nearest = together[-1]
    if _is_dependent(tokens, nearest.end, last.start) or _is_parallel(tokens, nearest, last):
        return together
    return []


def subject(tokens: list[Token], earlier: list[Quantity], last: Quantity) -> Quantity | None:
    """The first number of the clause where it is said to be what the others make: 9 is the sum of
    4 and 5.
    """
    start = _start_of_clause(tokens, last.start)
    in_clause = [item for item in earlier if item.start >= start and item.reason != NO_VALUE]
    if not in_clause:
        return None
    index = end_of_unit(tokens, in_clause[0].end)
    if at(tokens, index).word not in ("is", "was") or at(tokens, index + 1).word not in ARTICLES:
        return None
    following = in_clause[1] if len(in_clause) > 1 else last
    between = [token.word for token in tokens[index + 2 : following.start]]
    if not any(word in RESULTS for word in between) or not PARTS_OF.intersection(between):
        return None
    if DENIALS.intersection(between):
        return None
    behind = {token.word for token in tokens[index + 2 : last.end]}
    return None if behind & VERBS else in_clause[0]


def _is_same(one: Quantity, other: Quantity) -> bool:
    return one.value is not None and one.value == other.value


def _start_of_clause(tokens: list[Token], end: int) -> int:
    for index in range(end - 1, -1, -1):
        token = tokens[index]
        is_end = (
            token.text in _SENTENCE_ENDS and token.kind == "symbol" and tokens[index + 1].spaced
        )
        if is_end or token.word in CONCLUSIONS or (token.text == ":" and tokens[index + 1].spaced):
            return index + 1
    return 0


def _is_dependent(tokens: list[Token], start: int, end: int) -> bool:
    """Whether what stands between two numbers makes the second one depend on the first."""
    index = end - 1
    while index >= start and tokens[index].word in BEFORE_NUMBERS:
        index -= 1
    between = tokens[start : index + 1]
    if not between:
        return False
    token = tokens[index]
    if token.text == "=":
        return at(tokens, index - 2).word in PREPOSITIONS | SUBORDINATORS
    if token.word == "of":
        return _depends_on_a_part(tokens, index, start)
    if token.text == "(" or token.word in PREPOSITIONS:
        return True
    if token.word in ("which", "whom") and at(tokens, index - 1).word == "of":
        return True
    brackets = [item.text for item in between]
    is_open = brackets.count("(") > brackets.count(")")
    return is_open or any(item.word in SUBORDINATORS for item in between)


def _is_parallel(tokens: list[Token], one: Quantity, other: Quantity) -> bool:
    """Whether a clause says the same of two things: Tom has 5 apples and Jane has 3."""
    verbs = []
    for quantity in (one, other):
        index = quantity.start - 1
        while index >= 0 and tokens[index].word in BEFORE_NUMBERS:
            index -= 1
        verbs.append(at(tokens, index).word)
    between = {token.word for token in tokens[one.end : other.start]}
    return verbs[0] == verbs[1] != "" and "which" not in between


def _depends_on_a_part(tokens: list[Token], index: int, start: int) -> bool:
    """Whether `of` parts what follows: 10 of the 50, the price of 3 books; not a total of 12."""
    noun, article = at(tokens, index - 1), at(tokens, index - 2)
    if noun.word in TOTALS:
        return False
    if article.word not in ("a", "an") or index - 2 < start:
        return True
    return at(tokens, index - 3).word in PREPOSITIONS
