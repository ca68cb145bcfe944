r"""A box with what stands beside it and changes its value: \boxed{2} \pmod 7, -\boxed{5}.

A number of its own stands for the box, so that the one reader of numbers finds what belongs to it.
"""

import re
import unicodedata
from typing import NamedTuple

from data.numbers.equality import same_value
from data.numbers.equations import start_of_function
from data.numbers.expressions import OPERATORS, quantities
from data.numbers.lexicon import (
    CHANGES_AFTER,
    CHANGES_OF,
    MEASURES,
    MINUS_WORDS,
    MODULO,
    PARTS,
    PERCENT_WORDS,
    SCALE_NAMES,
    UNIT_LETTERS,
    UNITS,
)
from data.numbers.notation import (
    MARK,
    Line,
    Token,
    before_box,
    behind_box,
    denied_from,
    denied_until,
    formula_bounds,
    line_of_box,
    moduli,
    stands_alone,
)
from data.numbers.number import MAY_BE_DASH, at, number_at
from data.numbers.read import parse_plain_number, read_answer

BESIDE = "what stands beside the box changes its value"
_NOTHING_BEFORE = re.compile(r"(?:\A|=|:\s|\b(?:is|are)\b)(?:[ \t$*]|\\[\[(])*\Z")
_NOTHING_BEHIND = re.compile(r"(?:[ \t$*]|\\[\])])*\Z")
_IN_PROSE_MOD = re.compile(r"\bmod(?:ul(?:o|us))?\s(\d{1,9})(?=[ ,])(?!\s?[-+*^/])", re.ASCII)
_STOPS = frozenset("=<>\u2264\u2265\u2260\u2248\u2261;?&\u2026,\u2014")
_OPERATOR_SIGNS = OPERATORS | frozenset("\u222a\u2229\u2216\u2218\u00b1")
_OPERATOR_WORDS = frozenset({"times", "over", "plus", "minus", "divided", "multiplied", "base"})
_CHANGING = (
    MODULO | PERCENT_WORDS | CHANGES_AFTER | frozenset(SCALE_NAMES) | frozenset(PARTS)
    | _OPERATOR_WORDS
)  # fmt: skip
_SHORT_WORDS = frozenset(["is", "or", "so", "of", "in", "to", "we", "by", "if", "as", "at", "on"])
_FUNCTION_WORDS = frozenset(["sin", "cos", "tan", "log", "ln", "sqrt", "cbrt", "exp"])
_MULTIPLES_BEFORE = frozenset(["twice", "thrice", "double", "triple", "half"])
_LABELS = frozenset(
    ["step", "part", "question", "answer", "problem", "case", "method", "example", "option", "day"]
)
_MORE = frozenset(
    ["more", "less", "fewer", "greater", "higher", "lower", "above", "below", "over", "under", "up"]
)
_OTHERS = frozenset({"or", "to", "through", "and", ",", "&"})
_AFTER_A_LABEL = frozenset({")", ":", "'", "&"})
_VERBS = frozenset({"is", "are", "was", "were", "more", "less", "has", "have", "of", "in", "at"})
_MAYBE = frozenset({"maybe", "possibly", "perhaps", "either", "even", "probably", "just", "("})
_END_OF_CLAUSE = frozenset({"", ".", ",", ";", ":", "!", "?", ")", "*", "or", "and"})
_MEASURE_UNITS = frozenset(unit for sizes in MEASURES for unit in sizes)
_HALF_OF_DAY = re.compile(r"[ \t$}~]{0,4}(?:\\text\s?\{\s?)?([ap])\.?\s?m\b", re.IGNORECASE)
_COMPOUND = re.compile(r"[-+*/=,^ ]|\\(?![dt]?frac)[a-z]", re.IGNORECASE)
_BINDS = re.compile(r"\s*(?:[\^*/(_!\u00d7\u00f7]|\\[a-z]|[A-Za-z](?![A-Za-z]))")


class InContext(NamedTuple):
    """What a box says together with what stands beside it.

    text: both together, or the content of the box where nothing changes it; None: unreadable
    is_changed: whether its neighbours change it
    """

    text: str | None
    is_changed: bool


UNREADABLE = InContext(None, True)


def in_context(
    text: str, start: int, end: int, content: str, *, with_modulus: bool = True
) -> InContext:
    """What the box text[start:end] with its `content` says where it stands.

    A sentence that goes on does not change it: \\boxed{5} dollars, \\boxed{5} more than Tom.
    with_modulus: a modulus that the sentence names somewhere else belongs to it
    """
    if ":" not in content and stands_alone(text, start, end):
        return InContext(content, False)
    bounds = formula_bounds(text, start, end)
    before, behind = before_box(text, start, bounds), behind_box(text, end, bounds)
    if _is_marked(text, start, end, content, bounds is not None):
        return UNREADABLE
    is_plain = _NOTHING_BEFORE.search(before) and _NOTHING_BEHIND.match(behind)
    if is_plain and "mod" not in before.lower():
        return InContext(content, False)
    if ":" in content and (half := _HALF_OF_DAY.match(text, end)):
        return InContext(f"{content} {half[1]}m", True)
    line = line_of_box(text, before, start, end, behind, bounds)
    marks = [index for index, token in enumerate(line.tokens) if MARK in token.text]
    if len(marks) != 1:
        return UNREADABLE
    result = _with_neighbours(line, marks[0], content)
    if result.is_changed or not with_modulus:
        return result
    modulus = _modulus(f"{before} {behind}", content)
    return InContext(f"{content} (mod {modulus})", True) if modulus else result


def _modulus(sentence: str, content: str) -> int | None:
    """The only modulus that a sentence names, apart from the number in its box."""
    if "mod" not in sentence.lower() or read_answer(content).value is None:
        return None
    values = moduli(sentence).values or set(map(int, _IN_PROSE_MOD.findall(sentence)))
    return next(iter(values)) if len(values) == 1 and "mod" not in content else None


def _is_marked(text: str, start: int, end: int, content: str, is_formula: bool) -> bool:
    """Whether a factorial's or a derivative's mark follows, which a sentence may also end with."""
    if is_formula and re.match(r"\s?(?:!(?!\s?=)|')", text[end : end + 3]):
        return True
    is_quoted = text[start - 1 : start] == "'" or parse_plain_number(content) is not None
    return text[end : end + 1] == "'" and not is_quoted


def _with_neighbours(line: Line, index: int, content: str) -> InContext:
    tokens = line.tokens
    mark = tokens[index].text
    if mark != MARK and not re.fullmatch(rf"{MARK}(?:_\d+|[eE][-+]?\d+)", mark):
        return UNREADABLE  # \boxed{5}000
    start, end = _in_formula(line, index)
    if not line.is_inside(start - 1):
        start = _start_in_prose(tokens, start, index)
    if start is not None and not line.is_inside(end):
        end = _end_in_prose(tokens, index, end, content)
    if start is None or end is None:
        return UNREADABLE
    together = line.plain[tokens[start].start : tokens[end - 1].end]
    reading = read_answer(together)
    if together == MARK or (reading.value == int(MARK) and not reading.alternatives):
        return InContext(content, False)
    behind = together.partition(MARK)[2]
    is_factor = together.partition(MARK)[0].strip(" +-") or _BINDS.match(behind)
    is_compound = _COMPOUND.search(content) and not (content[0] in "([" and content[-1] in ")]")
    together += ")" * (together.count("(") - together.count(")"))  # 2 (mod 7
    wrapped = f"({content})" if is_factor and is_compound else content
    return InContext(" ".join(together.split()).replace(MARK, wrapped), True)


def _in_formula(line: Line, index: int) -> tuple[int, int]:
    """The side of an equation in the formula of the box that holds it."""
    start, end = index, index + 1
    while line.is_inside(start - 1) and not _stops(line.tokens, start - 1):
        start -= 1
    while line.is_inside(end) and not _stops(line.tokens, end):
        end += 1
    return start, end


def _stops(tokens: list[Token], index: int) -> bool:
    """Whether an expression ends before tokens[index]: at a relation, a comma or a word."""
    token = tokens[index]
    if token.text in _STOPS or (token.text == "." and token.kind == "symbol"):
        return True
    if token.kind != "word" or token.word in _CHANGING:
        return False
    if unicodedata.category(token.text[0]) == "No":  # \u2082
        return False
    is_unit = token.text in UNITS and at(tokens, index - 1).kind == "number"
    return len(token.text) > 2 or not token.text.isascii() or is_unit or token.word in _SHORT_WORDS


def _start_in_prose(tokens: list[Token], start: int, index: int) -> int | None:
    """Where the expression begins with what stands before it in prose; None if unreadable."""
    first = _first_of_quantity(tokens, start, index)
    before, more = at(tokens, first - 1), at(tokens, first - 2)
    if before.word in _MULTIPLES_BEFORE | _FUNCTION_WORDS | MINUS_WORDS:
        return None
    if denied_from(tokens, first) is not None:
        return None
    if before.word == "of" and more.word in CHANGES_OF | _MULTIPLES_BEFORE:
        return None
    if before.kind == "latex":
        return None
    if before.text in "\u00b1\u221a{\u00d7\u00f7*/^_\u222a\u2229" and before.kind != "end":
        return None
    if before.text == "|" and not tokens[first].spaced and first < index:
        return None
    is_operand = len(before.word) == 1 and before.text.isascii()
    if is_operand and (not tokens[first].spaced or (first < index and tokens[index].spaced)):
        return None  # x\boxed{5}, x + \boxed{5}
    return None if start_of_function(tokens, index) is not None else first


def _first_of_quantity(tokens: list[Token], start: int, index: int) -> int:
    """Where the quantity of tokens[index] begins, with its sign: -5, 10 - 5, but not Step 2 - 5."""
    low = start
    while low > 0 and start - low < 12 and not _ends_sentence(tokens, low - 1):
        low -= 1
    for quantity in quantities(tokens[low : index + 1]):
        first = low + quantity.start
        if quantity.end + low > index and first < start:
            is_label = at(tokens, first - 1).word in _LABELS
            return start if is_label or quantity.reason == MAY_BE_DASH else first
    return start


def _ends_sentence(tokens: list[Token], index: int) -> bool:
    return tokens[index].text in _STOPS or tokens[index].word == "of"


def _end_in_prose(tokens: list[Token], index: int, end: int, content: str) -> int | None:
    """Where the expression ends with what stands behind it in prose; None if unreadable."""
    high = end
    while high < len(tokens) and not _ends_sentence(tokens, high):
        high += 1
    quantity = next(
        (item for item in quantities(tokens[:high]) if item.start <= index < item.end), None
    )
    end = max(end, quantity.end if quantity else end)
    if _is_mathematics(tokens, end):
        while end < len(tokens) and not _stops(tokens, end):
            end += 1
        return end
    if _is_denied(tokens, end) or _has_another(tokens, end, content):
        return None
    after, more = at(tokens, end), at(tokens, end + 1)
    if after.text == "+" and not after.spaced and more.kind != "number":  # 5+
        return None
    if after.kind == "number" and (len(after.text) == 3 or more.text == "/"):
        return None  # \boxed{5} 000
    bracket = int(after.text == "(") + int("in" in (after.word, more.word))
    word = at(tokens, end + bracket)
    if word.word in SCALE_NAMES or word.word == "base":
        return min(end + bracket + 1 + int(word.word == "base"), len(tokens))
    return None if _is_measured(tokens, end) else end


def _is_mathematics(tokens: list[Token], end: int) -> bool:
    """Whether a formula goes on at tokens[end], outside of dollars: \\sqrt{2}, + C, ^2, (x + 1)."""
    token, following = at(tokens, end), at(tokens, end + 1)
    is_operand = (
        following.kind == "latex"
        or following.text in ("(", "\u221a")
        or (
            len(following.word) == 1
            and following.text.isascii()
            and not (following.text in "aAI" and at(tokens, end + 2).kind == "word")
        )
    )
    if token.kind in ("latex", "power") or token.text in ("\u03c0", "\u221a", "\u221e"):
        return True
    if token.kind == "symbol" and token.text in _OPERATOR_SIGNS:
        return is_operand and not (token.text == "-" and not token.spaced and following.spaced)
    if token.kind != "end" and unicodedata.category(token.text[0]) == "No":  # \u2082
        return True
    if token.spaced:
        is_letter = len(token.text) == 1 and token.kind == "word" and token.text.isascii()
        is_last = following.kind in ("end", "symbol") and following.text not in _AFTER_A_LABEL
        return token.word in CHANGES_AFTER or (
            is_letter and is_last and token.text not in UNIT_LETTERS
        )
    if token.text in ("(", "[", "{", "_"):
        return not (len(following.word) > 2 or following.text in UNITS or following.kind == "end")
    is_letter = len(token.word) == 1 and token.text.isascii()
    return is_letter and token.text not in UNIT_LETTERS


def _is_denied(tokens: list[Token], end: int) -> bool:
    """5 is wrong, 5 or more, 5 less than x; but 5 more than Tom is what a question asks for."""
    after, more = at(tokens, end), at(tokens, end + 1)
    if denied_until(tokens, end) is not None:
        return True
    if after.word in ("or", "and") and more.word in _MORE:
        return True
    what, next_word = at(tokens, end + 2), at(tokens, end + 3)
    is_variable = len(what.word) == 1 and what.text.isascii() and next_word.kind != "word"
    is_compared = is_variable or what.kind == "number"
    if at(tokens, end - 1).word in _MORE and after.word == "than":  # 5 less, which is one quantity
        return _is_denied(tokens, end - 1)
    return after.word in _MORE and more.word == "than" and is_compared


def _has_another(tokens: list[Token], end: int, content: str) -> bool:
    """Whether another answer follows that is not the same: 5 or 6; 5, 6; 5 to 6; A or B."""
    unit = at(tokens, end)
    step = int(unit.kind == "word" and unit.word not in _OTHERS)
    word = at(tokens, end + step)
    if not (word.word in _OTHERS or (word.text in _OTHERS and not step)):
        return False
    first = end + step + 1
    first += int(at(tokens, first).text.lower() in _MAYBE)
    if (number := number_at(tokens, first)) is not None:
        last = number.end + int(at(tokens, number.end).kind in ("percent", "currency"))
        last += int(at(tokens, last).kind == "word" and at(tokens, last).word not in _VERBS)
    elif re.fullmatch("[A-J]", at(tokens, first).text):
        last = first + 1
    else:
        return False
    if at(tokens, last).text not in _END_OF_CLAUSE:
        return False
    other = " ".join(token.text for token in tokens[first:last])
    return same_value(content, other) is not True


def _is_measured(tokens: list[Token], end: int) -> bool:
    """Whether a smaller unit follows: 5 feet 6 inches, 2 hours and 30 minutes."""
    step = int(at(tokens, end).word.removesuffix("s") in _MEASURE_UNITS)
    unit = at(tokens, end - 1 + step).word.removesuffix("s")
    first = end + step
    first += int(at(tokens, first).word == "and" or at(tokens, first).text == ",")
    number = number_at(tokens, first)
    if unit not in _MEASURE_UNITS or number is None:
        return False
    return at(tokens, number.end).word.removesuffix("s") in _MEASURE_UNITS
