r"""Characters of mathematics as LaTeX, for the symbolic grader: √2 is \sqrt{2}, π is \pi."""

import re
import unicodedata

_COMMANDS = {
    "\u00d7": "\\times", "\u22c5": "\\cdot", "\u00b7": "\\cdot", "\u2219": "\\cdot",
    "\u2217": "\\cdot", "\u00f7": "\\div", "\u2215": "/", "\u2044": "/", "\u2212": "-",
    "\u2013": "-", "\u00b1": "\\pm", "\u2213": "\\mp", "\u221e": "\\infty", "\u222a": "\\cup",
    "\u2229": "\\cap", "\u2216": "\\setminus", "\u2208": "\\in", "\u2209": "\\notin",
    "\u2205": "\\emptyset", "\u2264": "\\le", "\u2265": "\\ge", "\u2a7d": "\\le",
    "\u2a7e": "\\ge", "\u2260": "\\ne", "\u2248": "\\approx", "\u2261": "\\equiv",
    "\u00b0": "^\\circ", "\u2220": "\\angle", "\u2032": "'", "\u2019": "'",
    "\u211d": "\\mathbb{R}", "\u2124": "\\mathbb{Z}", "\u2115": "\\mathbb{N}",
    "\u211a": "\\mathbb{Q}", "\u2102": "\\mathbb{C}", "\u2227": "\\land", "\u2228": "\\lor",
    "\u00ac": "\\neg", "\u2200": "\\forall", "\u2203": "\\exists", "\u2211": "\\sum",
    "\u220f": "\\prod", "\u222b": "\\int", "\u2223": "\\mid", "\u27e8": "\\langle",
    "\u27e9": "\\rangle", "\u230a": "\\lfloor", "\u230b": "\\rfloor", "\u2308": "\\lceil",
    "\u2309": "\\rceil", "\u03d5": "\\phi", "\u03f5": "\\epsilon", "\u03d1": "\\theta",
}  # fmt: skip
_ROOTS = {"\u221a": "\\sqrt", "\u221b": "\\sqrt[3]", "\u221c": "\\sqrt[4]"}
_ROOT = re.compile(
    r"([\u221a-\u221c])\s?(?:\(([^()]{1,100})\)|\{([^{}]{1,100})\}|(\d+(?:\.\d+)?|[A-Za-z]|\\[a-z]+))"
)
_SMALL = re.compile(
    "[\u2080-\u2089\u208a-\u208e\u2090-\u209c]+|[\u2070\u00b9\u00b2\u00b3\u2074-\u207f\u02e0-\u02e4\u1d43-\u1d5b]+"
)
_LETTER_IN_FONT = re.compile(r"\\(?:math(?:rm|bf|it|sf)|text|operatorname)\s?\{\s?([A-Za-z])\s?\}")
# What the symbolic grader leaves out without a word, though it changes the value.
_LEFT_OUT = re.compile(
    r"'|\\prime|(?<=\d)\s?_\s?\{?\w+|(?:million|thousand|billion|hundred|dozen)(?=s?\b)",
    re.IGNORECASE,
)


def in_latex(text: str) -> str:
    """`text` with LaTeX commands for the characters that mean them; others stay as they are."""
    text = _LETTER_IN_FONT.sub(r"\1", text)  # \mathrm{e}
    if text.isascii():
        return text
    text = _SMALL.sub(_script, text)
    text = _ROOT.sub(lambda root: f"{_ROOTS[root[1]]}{{{root[2] or root[3] or root[4]}}}", text)
    return "".join(map(_command, text))


def _script(small: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", small[0]).replace("\u2212", "-")
    is_subscript = unicodedata.decomposition(small[0][0]).startswith("<sub>")
    return f"{'_' if is_subscript else '^'}{{{plain}}}"


def _command(character: str) -> str:
    if character.isascii():
        return character
    if character in _COMMANDS:
        return f"{_COMMANDS[character]} "
    name = unicodedata.name(character, "")
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?([A-Z]+)", name)
    if greek is None:
        return character
    letter = greek[2].replace("LAMDA", "LAMBDA").lower()
    return f"\\{letter if greek[1] == 'SMALL' else letter.capitalize()} "


def left_out(text: str) -> list[str]:
    """The marks and words of `text` that the symbolic grader leaves out."""
    return sorted(mark.lower().replace("\\prime", "'") for mark in _LEFT_OUT.findall(text))
