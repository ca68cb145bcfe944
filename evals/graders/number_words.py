"""Numbers in words, read where they can mean only one thing: `twenty-one apples` is 21."""

import re

from data.numbers import ONES, SCALES, TENS

MAX_WORDS = 30  # of one number
WORD = re.compile(r"[a-z]+", re.IGNORECASE)
SEPARATOR = re.compile(r"\s+and\s+|,\s+|\s+|-", re.IGNORECASE)
# Words that may follow: units, but no word that changes the number.
UNITS = re.compile(r"[^\W\d_]*(?:[\s.!][^\W\d_]*)*", re.ASCII)
CHANGES_NUMBER = re.compile(
    r"\b(?:or|and|half|halves|thirds?|quarters?|dozens?|hundreds|percent|cent|to|of|times|point"
    r"|plus|minus|over|more|less|than|by"
    r"|(?:four|fif|six|seven|eigh|nin|ten|hundred|thousand|million|billion)ths?)\b",
    re.IGNORECASE,
)


def parse_number_words(text: str) -> int | None:
    """The number in words at the beginning of `text` if only units follow it, else None.

    "three hundred and five dollars" is 305. "one or two", "one of them" and "two and a half" may
    mean something else: None.
    """
    text = text.strip()
    sign = re.match(r"(?:minus|negative)\s+", text, re.IGNORECASE)
    words, end = _leading_words(text, sign.end() if sign else 0)
    value = _value(words)
    rest = text[end:]
    if value is None or CHANGES_NUMBER.search(rest) or not UNITS.fullmatch(rest):
        return None
    if any(word.lower() in ONES or word.lower() in TENS for word in WORD.findall(rest)):
        return None
    return -value if sign else value


def _leading_words(text: str, start: int) -> tuple[list[str], int]:
    """The consecutive number words from `start` on, and the position after the last of them."""
    words: list[str] = []
    end = start
    while len(words) < MAX_WORDS and (match := WORD.match(text, start)):
        word = match.group().lower()
        if word not in ONES and word not in TENS and word not in SCALES and word != "hundred":
            break
        words.append(word)
        end = match.end()
        separator = SEPARATOR.match(text, end)
        if separator is None:
            break
        start = separator.end()
    return words, end


def _value(words: list[str]) -> int | None:
    """The number that the words spell, or None where they spell no number, as in `two three`."""
    if not words or words[0] in SCALES or words[0] == "hundred":
        return None
    total, part, scale = 0, 0, 10**15
    for word in words:
        if word in SCALES:
            if part == 0 or SCALES[word] >= scale:
                return None
            total, part, scale = total + part * SCALES[word], 0, SCALES[word]
        elif word == "hundred":
            if not 0 < part < 10:
                return None
            part *= 100
        elif word in TENS:
            if part % 100:
                return None
            part += TENS[word]
        else:  # a digit may follow `twenty`; any number below twenty may follow `hundred`
            value = ONES[word]
            room = 10 if part % 100 else 100
            if part and (part % 10 or not 0 < value < room):
                return None
            part += value
    return total + part
