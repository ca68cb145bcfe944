"""Numbers in words: English numbers, fractions and scales, and the numerals of Chinese."""

from fractions import Fraction

SMALL_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
ROUND_NUMBERS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ONES = {word: value for value, word in enumerate(SMALL_NUMBERS)}
TENS = {word: 10 * value for value, word in enumerate(ROUND_NUMBERS, start=2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
NUMBER_WORDS = ONES.keys() | TENS.keys()
SCALE_WORDS = SCALES.keys() | {"hundred"}

_ORDINALS = (
    *("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
)
# Words for parts of one, in the singular and in the plural.
PARTS = {word: Fraction(1, value) for value, word in enumerate(_ORDINALS, start=3)}
PARTS |= {"half": Fraction(1, 2), "quarter": Fraction(1, 4), "twentieth": Fraction(1, 20)}
PARTS |= {"hundredth": Fraction(1, 100), "thousandth": Fraction(1, 1_000)}
PARTS |= {"millionth": Fraction(1, 10**6)}
PARTS |= {f"{word}s": value for word, value in PARTS.items()} | {"halves": Fraction(1, 2)}
COINS = frozenset({"quarter", "quarters", "half", "halves"})  # these may be things that are counted

CHINESE_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
CHINESE_DIGITS |= {"零": 0, "两": 2, "兩": 2}
CHINESE_TENS = {"十": 10, "百": 100, "千": 1_000}
CHINESE_SCALES = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
CHINESE = frozenset(CHINESE_DIGITS) | frozenset(CHINESE_TENS) | frozenset(CHINESE_SCALES)


def words_value(words: list[str]) -> int | None:
    """The number that the lower-case `words` spell; None where they spell none: `two three`."""
    if not words or words[0] in SCALES or words[0] == "hundred":
        return None
    total, part, scale = 0, 0, 10**15
    for word in words:
        if word in SCALES:
            if part == 0 or SCALES[word] >= scale:
                return None
            total, part, scale = total + part * SCALES[word], 0, SCALES[word]
        elif word == "hundred":
            if not 0 < part < 20 or part == 10:
                return None
            part *= 100
        else:
            room = _room(word, part)
            if room is None:
                return None
            part += room
    return total + part


def _room(word: str, part: int) -> int | None:
    """What `word` adds after `part`: a digit may follow twenty, and all below 100 a hundred."""
    if word in TENS:
        return None if part % 100 else TENS[word]
    value = ONES[word]
    below = 10 if part % 100 else 100
    return None if part and (part % 10 or not 0 < value < below) else value


def chinese_value(numeral: str) -> int | None:
    """The number of a Chinese numeral: 四十二 is 42; None where it is none."""
    if all(character in CHINESE_DIGITS for character in numeral):
        if len(numeral) > 1 and min(CHINESE_DIGITS[character] for character in numeral):
            return None  # 三四 is three or four
        return int("".join(str(CHINESE_DIGITS[character]) for character in numeral))
    total, section, digit, scale = 0, 0, 0, 10**16
    for character in numeral:
        if character in CHINESE_DIGITS:
            if digit:
                return None
            digit = CHINESE_DIGITS[character]
        elif character in CHINESE_TENS:
            section, digit = section + (digit or 1) * CHINESE_TENS[character], 0
        elif section + digit == 0 or CHINESE_SCALES[character] >= scale:
            return None
        else:
            scale = CHINESE_SCALES[character]
            total, section, digit = total + (section + digit) * scale, 0, 0
    return total + section + digit
