"""Tokens of an answer: numbers, times, percent signs, currencies, commands, words, symbols."""

import re
from typing import NamedTuple

from data.numbers.lexicon import CHINESE, CURRENCY_SIGNS, WORLD_SCALES

MAX_TOKENS = 2_000  # of an answer; a longer one is not parsed

_TOKEN = re.compile(
    rf"""
    (?P<time>    \d{{1,2}}:[0-5]\d (?::[0-5]\d)? (?![\d:]) )
  | (?P<number>  (?: [1-9]\d{{0,2}}(?:\ \d{{3}})+(?!\d) | \d+ ) (?:[.,'_]\d+)* (?:[eE][-+]?\d+\b)?
               | (?<![\d.])\.\d+ (?:[eE][-+]?\d+\b)? )
  | (?P<power>   \^\s*\{{\s*[-+]?\d+\s*\}} | \^\s*[-+]?\d+ )
  | (?P<percent> [%\u2030] )
  | (?P<currency> [{re.escape(CURRENCY_SIGNS)}] )
  | (?P<latex>   \\[A-Za-z]+ )
  | (?P<scale>   {"|".join(WORLD_SCALES)} )
  | (?P<chinese> [{"".join(sorted(CHINESE))}]+ )
  | (?P<word>    (?: (?![{"".join(sorted(CHINESE))}])[^\W\d_] )+ (?:'[a-z]{{1,2}}\b)? )
  | (?P<space>   \s+ )
  | (?P<symbol>  . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """text[start:end] of a kind; spaced: white space stands before it."""

    kind: str
    text: str
    start: int
    end: int
    spaced: bool

    @property
    def word(self) -> str:
        """The lower-case word, or "" where this is no word."""
        return self.text.lower() if self.kind == "word" else ""


END = Token("end", "", 0, 0, True)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text with plain characters, in order, without its white space."""
    tokens = []
    spaced = True
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "symbol"
        if kind == "space":
            spaced = True
            continue
        tokens.append(Token(kind, match[0], match.start(), match.end(), spaced))
        spaced = False
        if len(tokens) > MAX_TOKENS:
            break
    return tokens
