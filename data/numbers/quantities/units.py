"""The unit of a quantity, and whether two units measure the same: km/h, cm^2, $, percent."""

from fractions import Fraction
from typing import NamedTuple

from data.numbers.lexicon import CURRENCY_CODES, MEASURES_OF, PERCENT_WORDS, unit_name
from data.numbers.notation import Token
from data.numbers.quantities.number import at
from data.numbers.quantities.quantity import Quantity

_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_SPEEDS = {"mph": ("mile", "hour"), "kph": ("km", "hour"), "kmh": ("km", "hour"),
           "fps": ("foot", "second")}  # fmt: skip
_POWERS_BEHIND = {"squared": 2, "cubed": 3}
SHORTEST_NAME = 3  # letters of a unit that stands in a sentence: `in` and `am` are words


class Unit(NamedTuple):
    """A unit, its power, and the unit by which it is divided ("" for none): km/h, cm^2."""

    name: str
    power: int = 1
    per: str = ""


def unit_of(tokens: list[Token], quantity: Quantity) -> Unit | None:
    """The unit of a quantity, or None: of $5, 5 km, 5 square feet, 50 % and 5 miles per hour."""
    end = quantity.end
    for token in tokens[quantity.start : end]:
        is_sign = token.kind in ("currency", "percent") or token.text == "\u00b0"
        if is_sign and token.text in MEASURES_OF:
            return Unit(token.text)
        if token.word in CURRENCY_CODES | PERCENT_WORDS and unit_name(token.word):
            return Unit(unit_name(token.word))
    for index in range(quantity.start + 1, end + 1):
        word = at(tokens, index).word
        if word in _SPEEDS:
            name, divisor = _SPEEDS[word]
            return Unit(name, per=divisor)
        power = _POWERS.get(word, 1)
        name = at(tokens, index + (power > 1))
        is_written_out = len(name.word) >= SHORTEST_NAME or power > 1
        if (index < end or is_written_out) and name.kind == "word" and unit_name(name.text):
            return _unit(tokens, index + (power > 1), power)
    return None


def _unit(tokens: list[Token], index: int, power: int) -> Unit:
    """The unit whose name is tokens[index], with its power and its divisor."""
    behind = at(tokens, index + 1)
    if behind.kind == "power" and behind.text.strip("^{ }") in ("2", "3"):
        power, index = int(behind.text.strip("^{ }")), index + 1
    elif behind.word in _POWERS_BEHIND:
        power, index = _POWERS_BEHIND[behind.word], index + 1
    name = unit_name(tokens[index].text) or unit_name(at(tokens, index - 1).text)
    divisor = at(tokens, index + 2)
    is_divided = at(tokens, index + 1).text in ("/", "per") and divisor.kind == "word"
    return Unit(name, power, unit_name(divisor.text) if is_divided else "")


def end_of_unit(tokens: list[Token], index: int) -> int:
    """Where the unit ends that is written out at tokens[index]; `index` where none is."""
    first = index + (at(tokens, index).word in _POWERS)
    if len(at(tokens, first).word) < SHORTEST_NAME or not unit_name(at(tokens, first).text):
        return index
    end = first + 1 + (at(tokens, first + 1).word in _POWERS_BEHIND)
    is_divided = at(tokens, end).text in ("/", "per") and at(tokens, end + 1).kind == "word"
    return end + 2 if is_divided else end


def ratios(unit: Unit, other: Unit) -> frozenset[Fraction]:
    """How many of `other` one of `unit` may be: of a minute 1/60 hour; nothing if never."""
    if unit.power != other.power:
        return frozenset()
    numerators = _ratios(unit.name, other.name, unit.power)
    if not (unit.per and other.per):
        return numerators
    divisors = _ratios(other.per, unit.per, 1)
    return frozenset(one * two for one in numerators for two in divisors)


def _ratios(name: str, other: str, power: int) -> frozenset[Fraction]:
    sizes, other_sizes = MEASURES_OF[name], MEASURES_OF[other]
    return frozenset(
        (Fraction(sizes[measure]) / other_sizes[measure]) ** power
        for measure in sizes.keys() & other_sizes.keys()
    )
