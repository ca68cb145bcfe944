"""Denials around a number: cannot be 5, anything but 5; 5 is wrong, 5 isn't, 5 is too low."""

from data.numbers.lexicon import AFTER_NEGATION, DENIALS, DENYING_PAIRS, NEGATIONS
from data.numbers.notation.tokens import END, Token

VERBS = frozenset({"is", "was", "are", "seems", "seemed", "looks", "sounds"})
MODALS = frozenset({"would", "will", "must", "might", "may", "could", "can", "should"})
AFFIRMATIONS = frozenset({"right", "correct", "true", "it"})  # 5 can't be right
MOST_BETWEEN = 4  # words between a denial and the number


def denied_from(tokens: list[Token], index: int) -> int | None:
    """Where a denial of the quantity at tokens[index] begins; None where there is none."""
    for start in range(index - 1, index - 2 - MOST_BETWEEN, -1):
        word = _at(tokens, start).word
        if word in NEGATIONS or (_at(tokens, start - 1).word, word) in DENYING_PAIRS:
            return max(start - (word not in NEGATIONS), 0)
        if word not in AFTER_NEGATION:
            return None
    return None


def denied_until(tokens: list[Token], end: int) -> int | None:
    """Where a denial ends that follows a quantity before tokens[end]; None without one."""
    if _at(tokens, end).text == ",":
        end += 1
    if _at(tokens, end).word in ("which", "that", "but"):
        end += 1
    if _at(tokens, end).word in ("isn't", "wasn't", "aren't"):
        return end + 1
    if _at(tokens, end).word in MODALS and _at(tokens, end + 1).word == "be":
        end += 1
    elif _at(tokens, end).word in NEGATIONS and _at(tokens, end + 1).word == "be":
        return end + 3 if _at(tokens, end + 2).word in AFFIRMATIONS else None
    elif _at(tokens, end).word not in VERBS:
        return None
    return end + 2 if _at(tokens, end + 1).word in DENIALS else None


def _at(tokens: list[Token], index: int) -> Token:
    return tokens[index] if 0 <= index < len(tokens) else END
