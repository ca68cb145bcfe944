"""Times of day in words: half past three, a quarter to four, ten past 5, three thirty."""

import re

from data.numbers.lexicon import NUMBER_WORDS, SMALL_NUMBERS, words_value

LONGEST = 100  # [characters] of a time
_GERMAN = ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn",
           "elf", "zwölf")  # fmt: skip
_HOURS = {word: hour for hour, word in enumerate(SMALL_NUMBERS[:13]) if hour}
_HOURS |= {word: hour for hour, word in enumerate(_GERMAN, start=1)} | {"ein": 1}
_HOUR = rf"(?:{'|'.join(sorted(_HOURS, key=len, reverse=True))}|\d{{1,2}})"
_WORDS = rf"(?:{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})"
_MINUTES = rf"{_WORDS}(?:[\s-]{_WORDS})?|[1-5]?\d"
_HALF_OF_DAY = r"\s?(?:[ap]\.?\s?m\b|in the (?:morning|afternoon|evening)\b|at night\b|o'clock\b)"
# Without `minutes`, "ten to four" may be a range or a ratio unless a half of the day follows.
_SPOKEN = re.compile(
    rf"\b(?:(?P<half>half)[\s-](?:past|after)"
    rf"|(?:an?\s)?(?P<quarter>quarter)[\s-](?P<q_way>past|after|to|before|till?|until)"
    rf"|(?P<minutes>{_MINUTES})(?:(?:\sminutes?\s(?P<m_way>past|after|to|before|till?|until))"
    rf"|\s(?P<past>past)|\s(?P<to>to|till?|before|after)(?=\s{_HOUR}{_HALF_OF_DAY}))"
    rf"|(?P<halb>halb)|viertel[\s](?P<viertel>nach|vor))[\s-](?P<hour>{_HOUR})\b(?![.:]\d)"
    rf"|\b(?P<alone>{_HOUR})(?:[\s-](?P<after>(?:oh|o)[\s-]{_WORDS}|{_WORDS}(?:[\s-]{_WORDS})?)"
    rf"|(?={_HALF_OF_DAY}))\b",
    re.IGNORECASE,
)
_SUFFIX = re.compile(_HALF_OF_DAY + r"\.?", re.IGNORECASE)
_BEFORE = ("to", "till", "til", "before", "until", "vor")


def in_digits(text: str) -> str:
    """`text` with the first time in words as 3:30."""
    match = _SPOKEN.search(text) if len(text) <= LONGEST else None
    time = None if match is None else _digits(match)
    if match is None or time is None:
        return text
    return f"{text[: match.start()]}{time}{text[match.end() :]}"


def spoken_time(line: str, position: int | None) -> str | None:
    """The last time in words, with its half of the day, that line[position] belongs to; or None.

    position: None for a line without digits
    """
    times = [match for match in _SPOKEN.finditer(line) if _digits(match) is not None]
    for match in reversed(times):
        suffix = _SUFFIX.match(line, match.end())
        end = suffix.end() if suffix else match.end()
        if position is None or match.start() <= position < end:
            return line[match.start() : end]
    return None


def _digits(match: re.Match[str]) -> str | None:
    name = match["hour"] or match["alone"]
    hour = int(name) if name.isdigit() else _HOURS[name.lower()]
    minutes = _minutes(match)
    if minutes is None or hour > 24:
        return None
    way = match["q_way"] or match["m_way"] or match["to"] or match["viertel"] or ""
    if way.lower() in _BEFORE or match["halb"]:  # halb vier is half past three
        hour, minutes = (hour - 1) or 12, 60 - minutes
    return f"{hour}:{minutes:02}"


def _minutes(match: re.Match[str]) -> int | None:
    if match["half"] or match["halb"]:
        return 30
    if match["quarter"] or match["viertel"]:
        return 15
    words = match["minutes"] or match["after"]
    if words is None:  # three o'clock
        return None if (match["alone"] or "0").isdigit() else 0
    words = words.lower().replace("-", " ")
    if words.isdigit():
        return int(words) if 0 < int(words) < 60 else None
    is_oh = words.startswith(("o ", "oh "))
    value = words_value(words.split()[is_oh:])
    lowest = 10 if match["after"] and not is_oh else 1
    return value if value is not None and lowest <= value < 60 else None
