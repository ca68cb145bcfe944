"""Comparison of an answer with the reference answer: as numbers, as texts, then as symbols."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from data.numbers import (
    BOUND,
    NOT_SOLVED,
    Number,
    Reading,
    comparable,
    may_mean_another,
    parse_number,
    parse_plain_number,
    read_answer,
)
from data.numbers.beside import BESIDE
from data.numbers.lexicon import plain_characters
from data.numbers.notation import (
    BASE,
    Moduli,
    are_numerals,
    clock,
    has_base,
    inside_dollars,
    moduli,
    same_numeral,
    same_time,
    without_markup,
)
from data.numbers.quantities import (
    CALCULATION,
    EXPRESSION,
    RATIO,
    VARIABLE,
    Unit,
    ratios,
)
from evals.graders.extract import joined_boxes
from evals.graders.options import SEVERAL_OPTIONS, chosen_options
from evals.graders.symbolic import (
    IS_INTERVAL,
    READ_IN_PART,
    as_interval,
    compare_symbols,
    in_latex,
    left_out,
)

WORDS = "the answer is in words"
UNITS_DIFFER = "the units of the answer and of the gold differ"
GOLD_SCALE = "the gold can be read at two scales"
MODULUS = "the moduli cannot be compared"
HALF_OF_DAY = "one time lacks a.m. or p.m."
BRACKETS = "the gold is a set, and the answer has the brackets of a pair or an interval"
NO_GOLD = "the problem has no reference answer"

_MAY_HAVE_MODULUS = re.compile(r"mod(?!el|er|est|if)", re.IGNORECASE)
_DOZENS = re.compile(r"\bdozens?\Z", re.IGNORECASE)
_OPTION = re.compile(r"\(?([A-J])\)?[.:]?")
_WORDS_AT_END = re.compile(r"(?:\s{1,3}[A-Za-z]{2,20}){2,8}\W{0,3}\Z")
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,}")
# The last words of a sentence of one statement, and what makes it another.
_PREDICATE = re.compile(
    r"\A[^.!?;:,]{1,80}\b(?:is|are|was|were) (?:an? |the )?([^\W\d_]{3,30})[.!]?\Z"
)
_HEDGES = re.compile(
    r"\b(?:not|n't|\w{2,8}n't|no|never|neither|nor|if|or|and|but|than|except|may|might|could|whether"
    r"|suppose|assume|one|when|unless|false|wrong|claims?|says?|thinks?|said)\b",
    re.IGNORECASE,
)
_PROSE = re.compile(r"(?:\b[^\W\d_]{3,}\b[ ,]{1,3}){2}\b[^\W\d_]{2,}\b")
_MATHEMATICS = re.compile(r"[\d\\\u03c0\u221a]")
_BASE_TEN = re.compile(r"(?<=[0-9])\s?_\s?(?:\{\s?10\s?\}|10)(?![0-9])")
_TIMES = re.compile(r"(?<=\d)\s?[x\u00d7]\s?(?=\d)")
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])|\\(?=[{}])|\s|.*\\in(?![A-Za-z])")
_BRACKET = re.compile(r"([(\[{]).*,.*[)\]}]\Z")  # of a set, a pair, a list
_COMMANDS = re.compile(r"\\[A-Za-z]+")


class Verdict(NamedTuple):
    """Whether an answer is correct, and near; None and the reason where that is undecided."""

    correct: bool | None
    partial: bool | None
    reason: str | None = None


RIGHT = Verdict(True, True)
WRONG = Verdict(False, False)


class Gold(NamedTuple):
    """A reference answer: its content, its number with what else that may mean, and its unit.

    is_measured: it is a quantity in several units, as 2 hours 30 minutes
    may_have_modulus: it has the letters of one
    """

    text: str
    number: Number | None
    alternatives: frozenset[Number]
    unit: Unit | None
    is_measured: bool = False
    may_have_modulus: bool = False


@lru_cache(maxsize=1 << 16)  # each problem is answered many times
def gold_of(gold: str) -> Gold:
    """The reference answer as text and number, also out of a box or dollars."""
    return _gold(gold)._replace(may_have_modulus=_MAY_HAVE_MODULUS.search(gold) is not None)


def _gold(gold: str) -> Gold:
    text = content(gold)
    number = parse_number(text)
    reading = read_answer(text)
    alternatives = reading.alternatives or frozenset()
    if clock(text) is not None:  # 3 PM
        return Gold(text, None, frozenset(), None)
    if reading.total is not None:
        return Gold(text, reading.total, alternatives - {reading.total}, reading.unit, True)
    if number is None:
        return Gold(text, None, frozenset(), None)
    return Gold(text, number, alternatives, reading.unit)


def gold_number(gold: str) -> Number | None:
    """The reference answer as a number, or None if it is none."""
    return gold_of(gold).number


def compare(answer: str, gold: str) -> Verdict:
    """The verdict on an extracted answer. The symbolic grader decides where numbers cannot.

    2 (mod 7) is not 2 (mod 5), and a modulus that cannot be read is never taken for another.
    """
    reference = gold_of(gold)
    is_bare = answer.replace(",", "").isdigit()  # as most are
    if not reference.may_have_modulus and (is_bare or not _MAY_HAVE_MODULUS.search(answer)):
        return _compare(answer, reference)
    classes = moduli(content(answer)), moduli(content(gold))
    values = classes[0].values, classes[1].values
    if not any(named.values or named.unread for named in classes):
        return _compare(answer, reference)
    if values[0] and values[1] and values[0].isdisjoint(values[1]):
        is_class = classes[0].is_class or classes[1].is_class
        if is_class and not (classes[0].unread or classes[1].unread):
            return WRONG
        return Verdict(None, None, MODULUS)
    verdict = _compare(classes[0].text, gold_of(classes[1].text))
    if verdict.correct and not _same_moduli(*classes):
        return Verdict(None, None, MODULUS)
    return verdict


def compare_in_context(answer: str, alone: str, gold: str, doubt: str = BESIDE) -> Verdict:
    """The verdict on a box with what stands beside it; `alone` is what the box holds.

    It is unknown where only the box alone, or neither clearly, is the reference answer. Dozens are
    what is counted: "5 dozen eggs" is right for 60 and for 5.
    """
    verdict = compare(answer, gold)
    if verdict.correct:
        return verdict
    correct_alone = compare(alone, gold).correct
    if verdict.correct is False and correct_alone is False:
        return verdict
    if correct_alone and _DOZENS.search(answer):
        return RIGHT
    return Verdict(None, None, verdict.reason or doubt)


def _same_moduli(answer: Moduli, gold: Moduli) -> bool:
    """Whether the moduli of two texts say the same; a number says as much as its class."""
    if answer.unread or gold.unread:
        return comparable(answer.text) == comparable(gold.text)
    if answer.values and gold.values:
        return answer.values == gold.values
    without = gold if answer.values else answer
    return not (without.is_congruence and (answer.values or gold.values))


def _compare(answer: str, reference: Gold) -> Verdict:
    if not reference.text:
        return Verdict(None, None, NO_GOLD)
    if reference.number is None:
        return _compare_with_text(content(answer), reference.text)
    value = parse_plain_number(answer)
    is_money = "$" in answer and reference.unit is not None
    if value is not None and not (is_money or reference.is_measured):
        if value == reference.number:
            return RIGHT
        if not (reference.alternatives or may_mean_another(answer)):
            return Verdict(False, within_ten_percent(value, reference.number))
    text = _BASE_TEN.sub("", content(answer))
    if has_base(text) or are_numerals(text, reference.text):
        return _compare_numerals(text, reference.text)
    reading = read_answer(text)
    verdict = _compare_measures(reading, reference)
    if verdict is not None:
        return verdict
    if comparable(text) == comparable(reference.text):
        return RIGHT
    if reading.reason == RATIO and reference.number.denominator == 1:
        return Verdict(None, None, RATIO)  # 5:1 is not 5, and 3:4 may be meant as 3/4
    if reading.reason in (EXPRESSION, VARIABLE, CALCULATION, RATIO) and not _is_prose(text):
        verdict = _symbolic(_TIMES.sub(r"\\times ", text), reference.text)
        # a policy that is rewarded for 16 - 3 - 4 learns to leave the last step out
        is_undone = verdict.correct and reading.reason == CALCULATION
        return Verdict(None, None, CALCULATION) if is_undone else verdict
    return Verdict(None, None, reading.reason)


def _compare_measures(reading: Reading, gold: Gold) -> Verdict | None:
    """The verdict on numbers and their units: 90 minutes are 1.5 hours, and 5 m are not 5 km.

    A bare number is in the unit of the gold, if that has one unit. Equal numbers of two measures
    (50 % and 50 dollars) are undecided.
    """
    if reading.unit is None or gold.unit is None:
        verdict = _compare_numbers(reading, gold)
        is_bare = gold.is_measured and verdict is not None and verdict.correct
        return Verdict(None, None, UNITS_DIFFER) if is_bare else verdict
    factors = ratios(reading.unit, gold.unit)
    verdicts = {_compare_numbers(_times(reading, factor), gold) for factor in factors or (1,)}
    if len(verdicts) == 1 and (factors or next(iter(verdicts)) == WRONG):
        return next(iter(verdicts))
    is_wrong = all(verdict is not None and verdict.correct is False for verdict in verdicts)
    return WRONG if is_wrong else Verdict(None, None, UNITS_DIFFER)


def _times(reading: Reading, factor: Number) -> Reading:
    """The reading in another unit, of which there are `factor` in one of its own."""
    if reading.total is not None:
        return Reading(reading.total * factor)
    value = None if reading.value is None else reading.value * factor
    alternatives = reading.alternatives
    return reading._replace(
        value=value,
        alternatives=None if alternatives is None else frozenset(n * factor for n in alternatives),
    )


def _compare_numbers(reading: Reading, gold: Gold) -> Verdict | None:
    """The verdict where the answer reads as one or several numbers; None where it is unreadable.

    Where it may mean several numbers, one of them right, it is unknown; correct where the most
    likely reading is the reference answer, or all are.
    """
    if reading.alternatives is None:
        return None
    golds = gold.alternatives | {gold.number}
    number = gold.number or 0
    correct = _holds(reading, lambda value: value == number)
    if correct and reading.reason in (NOT_SOLVED, BOUND):
        correct = None
    if correct is False and (reading.alternatives | {reading.value}) & golds - {None}:
        correct = None
    partial = _holds(reading, lambda value: within_ten_percent(value, number))
    if correct and not partial:
        partial = True
    if correct is None and reading.reason == BOUND:
        partial = None
    is_sure = reading.value is not None and correct is not None and partial is not None
    return Verdict(correct, partial, None if is_sure else reading.reason or GOLD_SCALE)


def _holds(reading: Reading, condition: Callable[[Number], bool]) -> bool | None:
    if reading.value is not None and condition(reading.value):
        return True
    results = [condition(alternative) for alternative in reading.alternatives or ()]
    if reading.value is None and results and all(results):
        return True
    return None if any(results) else False


def within_ten_percent(value: Number, gold: Number) -> bool:
    """Whether `value` is within 10 % of `gold`, bounds included. Only 0 is within 10 % of 0."""
    return abs(value - gold) * 10 <= abs(gold)


def _compare_numerals(answer: str, gold: str) -> Verdict:
    same = same_numeral(answer, gold)
    return Verdict(same, same, BASE if same is None else None)


def _compare_with_text(answer: str, gold: str) -> Verdict:
    """The verdict where the reference answer is no number: a letter, a word, a time, a formula."""
    if comparable(answer).casefold() == comparable(gold).casefold():
        same_letter = len(gold) > 1 or answer == gold or not gold.isalpha()
        if same_letter or comparable(answer) == comparable(gold):
            return RIGHT
    if has_base(gold) or has_base(answer) or are_numerals(answer, gold):
        return _compare_numerals(answer, gold)
    times = clock(gold), clock(answer)
    if times[0]:
        value = parse_number(answer)
        hour = clock(f"{value}:00") if times[1] is None and value is not None else times[1]
        if hour is not None:
            same = same_time(times[0], hour) if times[1] or not same_time(times[0], hour) else None
            return Verdict(same, same, HALF_OF_DAY if same is None else None)
        if not any(map(str.isdigit, answer)):
            return Verdict(None, None, WORDS)
    if option := _OPTION.fullmatch(comparable(gold)):
        return _compare_options(_plain(answer), option[1])
    if _says(_plain(answer), gold):
        return RIGHT
    words = _WORDS_AT_END.search(answer)
    if words is not None and _MATHEMATICS.search(answer, 0, words.start()):
        answer = answer[: words.start()].strip()  # 12\u03c0 inches per second
    if _is_prose(answer) or (_is_prose(gold) and not _COMMANDS.search(gold)):
        return Verdict(None, None, WORDS)
    return _symbolic(answer, gold)


def _says(sentence: str, gold: str) -> bool:
    """Whether a short sentence says that something is the word `gold`: The function is even."""
    word = comparable(_plain(gold)).casefold()
    if not word.isalpha() or len(word) < 3 or _HEDGES.search(sentence):
        return False
    says = _PREDICATE.search(sentence)
    return says is not None and comparable(says[1]).casefold() == word


def _compare_options(answer: str, gold: str) -> Verdict:
    """The verdict where the reference answer is the letter of an option, or a variable."""
    options = chosen_options(answer)
    if options is None:
        return Verdict(None, None, WORDS) if _WORD.search(answer) else _symbolic(answer, gold)
    if gold not in options:
        return WRONG
    return RIGHT if len(options) == 1 else Verdict(None, None, SEVERAL_OPTIONS)


def _plain(text: str) -> str:
    return without_markup(plain_characters(text))


def _symbolic(answer: str, gold: str) -> Verdict:
    answer, gold = in_latex(answer), in_latex(gold)
    if IS_INTERVAL.fullmatch(gold.strip()):
        answer = as_interval(answer) or answer
    elif IS_INTERVAL.fullmatch(answer.strip()):
        gold = as_interval(gold) or gold
    verdict = Verdict(*compare_symbols(gold, answer))
    sides = answer.rpartition("=")[2], gold.rpartition("=")[2]
    if verdict.correct and left_out(sides[0]) != left_out(sides[1]):  # f'(x) is not f(x)
        return Verdict(None, None, READ_IN_PART)
    kinds = [_BRACKET.sub(r"\1", _SIZES.sub("", side)) for side in sides]
    if verdict.correct and kinds[1] == "{" and kinds[0] in ("(", "["):
        return Verdict(None, None, BRACKETS)
    return verdict


def _is_prose(text: str) -> bool:
    """Whether three words follow each other: the symbolic grader would read single letters."""
    return _PROSE.search(_COMMANDS.sub(" ", text)) is not None


def content(text: str) -> str:
    """The content of the last box, or of the dollars around the whole text, else the text."""
    text = text.strip()
    if ("\\boxed" in text or "\\fbox" in text) and (joined := joined_boxes(text)):
        answer, _ = joined
        return text if answer.reason or answer.text is None else answer.text
    inside = inside_dollars(text)
    return text if inside is None else inside.strip()
