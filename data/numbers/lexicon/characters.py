"""Characters: the digits, dashes, spaces, fractions and superscripts of all scripts in ASCII."""

import html
import re
import unicodedata

LONG_DASH = "\u2014"  # between words it separates, before a number it may be a minus
PLAIN_CHARACTERS = {
    "\u2212": "-",  # minus sign
    "\u2015": LONG_DASH,
    "\u301c": "~",
    "\u2044": "/",  # fraction slash
    "\u2215": "/",
    "\u2018": "'",
    "\u2019": "'",
    "\u02bc": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u066b": ".",  # Arabic decimal separator
    "\u066c": ",",  # Arabic thousands separator
    "\u066a": "%",
    "\u2236": ":",
    "\u3001": ", ",
    "\u3002": ". ",
    "\uff0c": ", ",
    "\u060c": ", ",
    "\u00ba": "\u00b0",  # ordinal indicator, written for a degree
    "\u2715": "\u00d7",
    "\u2716": "\u00d7",
    "\u22c5": "\u00d7",
    "\u2217": "\u00d7",
    "\u00b7": "\u00d7",
}
NFKC_KINDS = ("<wide>", "<narrow>", "<small>", "<font>", "<noBreak>")
SUPERSCRIPT = "\ue000"  # marks a superscript until all of one power are together
_POWER = re.compile(f"(?:{SUPERSCRIPT}[-+0-9])+")


LONGEST_NUMERAL = 12  # [characters] of a text that may be one circled or Roman numeral
_AROUND = " \t\n.,:;!()[]$*\u3002"
# Full-width commas between digits in groups of three: 1\uff0c234 is 1 234.
_WIDE_THOUSANDS = re.compile(
    r"(?<![\d,.\uff0c])[1-9\uff11-\uff19]\d{0,2}(?:\uff0c\d{3})+(?![\d\uff0c])"
)


class _PlainCharacters(dict[int, str]):
    """The plain form of each character, computed when it first occurs."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain_character(chr(code))
        return plain


_PLAIN = _PlainCharacters()


def plain_characters(text: str) -> str:
    """`text` with ASCII digits, signs and spaces: the digits of every script, and all dashes.

    2\u00bd becomes 2 1/2, and 10\u00b2 becomes 10^{2}.
    Invisible characters are removed, and HTML entities are resolved.
    """
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if text.isascii():
        return text
    if len(text) <= LONGEST_NUMERAL and (numeral := text.strip(_AROUND)):
        text = _numeral(numeral) or text
    if "\uff0c" in text:
        text = _WIDE_THOUSANDS.sub(lambda number: number[0].replace("\uff0c", " "), text)
    text = text.translate(_PLAIN)
    if SUPERSCRIPT not in text:
        return text
    return _POWER.sub(lambda power: f"^{{{power[0].replace(SUPERSCRIPT, '')}}}", text)


def _numeral(text: str) -> str | None:
    """The number of a text that is one circled or Roman numeral, as \u2464 or \u2164; else None.

    In a longer text such a character numbers its parts.
    """
    if len(text) != 1 or unicodedata.category(text) not in ("No", "Nl"):
        return None
    kind = unicodedata.decomposition(text).partition(" ")[0]
    value = unicodedata.numeric(text)
    return None if kind in ("<super>", "<sub>", "<fraction>") else f"{value:g}"


def _plain_character(character: str) -> str:
    """The plain form of one character; most characters are their own."""
    if character in PLAIN_CHARACTERS:
        return PLAIN_CHARACTERS[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    if category in ("Zs", "Zl", "Zp", "Co"):
        return " "
    if category == "Pd":
        return LONG_DASH if "EM DASH" in unicodedata.name(character, "") else "-"
    kind, _, _ = unicodedata.decomposition(character).partition(" ")
    compatible = unicodedata.normalize("NFKC", character)
    if kind == "<super>" and (compatible.isdecimal() or compatible in "+-\u2212"):
        return SUPERSCRIPT + compatible.replace("\u2212", "-")
    if kind == "<fraction>":
        return f" {compatible.replace(chr(0x2044), '/')} "
    return compatible if kind in NFKC_KINDS else character
