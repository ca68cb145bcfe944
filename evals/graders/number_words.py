"""Numbers in words, where they can mean one thing only: `twenty-one apples` is 21."""

import re

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
ONES = {word: value for value, word in enumerate(SMALL)}
ROUND = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS = {word: 10 * value for value, word in enumerate(ROUND, start=2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
MOST = 30  # words of a number
WORD = re.compile(r"[a-z]+", re.IGNORECASE)
BETWEEN = re.compile(r"\s+and\s+|,\s+|\s+|-", re.IGNORECASE)
# what may stand behind: units, and no word that makes another number of it
REST = re.compile(r"[^\W\d_]*(?:[\s.!][^\W\d_]*)*", re.ASCII)
CHANGES = re.compile(
    r"\b(?:or|and|half|halves|thirds?|quarters?|dozens?|hundreds|percent|cent|to|of|times|point"
    r"|plus|minus|over|more|less|than|by"
    r"|(?:four|fif|six|seven|eigh|nin|ten|hundred|thousand|million|billion)ths?)\b",
    re.IGNORECASE,
)


def in_words(text: str) -> int | None:
    """The number that begins `text` in words, if units are all that follows; else None.

    "three hundred and five dollars" is 305. "one or two", "one of them" and "two and a half" may
    mean something else: None.
    """
    text = text.strip()
    sign = re.match(r"(?:minus|negative)\s+", text, re.IGNORECASE)
    words, end = _words(text, sign.end() if sign else 0)
    value = _value(words)
    rest = text[end:]
    if value is None or CHANGES.search(rest) or not REST.fullmatch(rest):
        return None
    if any(word.lower() in ONES or word.lower() in TENS for word in WORD.findall(rest)):
        return None
    return -value if sign else value


def _words(text: str, at: int) -> tuple[list[str], int]:
    """The number words that follow one another from `at` on, and where they end."""
    found: list[str] = []
    end = at
    while len(found) < MOST and (match := WORD.match(text, at)):
        word = match.group().lower()
        if word not in ONES and word not in TENS and word not in SCALES and word != "hundred":
            break
        found.append(word)
        end = match.end()
        gap = BETWEEN.match(text, end)
        if gap is None:
            break
        at = gap.end()
    return found, end


def _value(words: list[str]) -> int | None:
    """The number that the words spell, or None where they spell none: `two three`."""
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
        else:  # behind twenty there is room for a digit, behind a hundred for more
            value = ONES[word]
            room = 10 if part % 100 else 100
            if part and (part % 10 or not 0 < value < room):
                return None
            part += value
    return total + part
