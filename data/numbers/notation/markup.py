r"""Markup: LaTeX and Markdown around a number, as plain text: \frac{1}{2} is 1/2, \$5 is $5."""

import re

from data.numbers.notation.repeating_decimals import with_fractions_for_repeating_decimals

_WORDS = {  # LaTeX commands that are characters or words
    "times": "\u00d7",
    "cdot": "\u00d7",
    "ast": "\u00d7",
    "div": "\u00f7",
    "pm": "\u00b1",
    "infty": "\u221e",
    "pi": "\u03c0",
    "approx": "\u2248",
    "degree": "\u00b0",
    "circ": "\u00b0",
    "le": "\u2264",
    "leq": "\u2264",
    "leqslant": "\u2264",
    "ge": "\u2265",
    "geq": "\u2265",
    "geqslant": "\u2265",
    "lt": "<",
    "gt": ">",
    "ne": "\u2260",
    "neq": "\u2260",
    "ldots": "\u2026",
    "dots": "\u2026",
    "bmod": " mod ",
    "mod": " mod ",
    "equiv": "\u2261",
    "pounds": "\u00a3",
    "euro": "\u20ac",
    "percent": "%",
    "quad": " ",
    "qquad": " ",
    "left": "",
    "right": "",
    "displaystyle": "",
    "textstyle": "",
    "bf": "",
    "rm": "",
    "it": "",
    "dollar": "$",
}
_INTEGER = r"\s*\{\s*([-+]?\d[\d,]*(?:\.\d+)?)\s*\}"
_STEPS = (
    (re.compile(r",\\!\s*|\s?\{\s?,\s?\}\s?"), ","),
    (re.compile(rf"\\[dtc]?frac{_INTEGER}{_INTEGER}", re.ASCII), r" \1/\2 "),
    (re.compile(r"\\[dtc]?frac\s*(\d)\s*(?:\{\s*(\d+)\s*\}|(\d))", re.ASCII), r" \1/\2\3 "),
    (re.compile(r"\\[dtc]?frac\s*\{\s*(\d+)\s*\}\s*(\d)", re.ASCII), r" \1/\2 "),
    (re.compile(r"\^\s*(?:\{\s*)?(?:\\circ|\u00b0)\s*\}?"), "\u00b0"),
    (re.compile(r"\^\s*(?:\{\s*)?(?:\\(?:text|mathrm)\s*\{\s*)?(st|nd|rd|th)\b\s*\}{0,2}"), r"\1"),
    (re.compile(r"\\(?:text(?:bf|rm|it|sf|tt|normal)?|math(?:rm|bf|it|sf)|mbox|boxed|fbox|bold"
                r"|operatorname)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\pmod\s?(?:\{([^{}]*)\}|(\d+))"), r" (mod \1\2) "),
    (re.compile(r"\\(?:left|right)\s*\."), ""),
    (re.compile(r"\\[()\[\]!]"), ""),
    (re.compile(r"\\[,;: ]|~"), " "),
    (re.compile(r"\\([$%#&{}])"), r"\1"),
    (re.compile(r"(?<=[\d)])\s?\*\*\s?(?=[-\d(])"), "^"),
    (re.compile(r"\*\*|__|`"), ""),
)  # fmt: skip
_RELATIONS = {">=": "\u2265", "<=": "\u2264", "!=": "\u2260", "=>": " ", "==": "="}
_RELATION = re.compile("|".join(_RELATIONS))
_MARKUP = frozenset("\\{^*_`~")
_COMMAND = re.compile(r"\\([A-Za-z]+)(?![A-Za-z])\s?")
_HTML_POWER = re.compile(r"<sup>\s*(-?\d+)\s*</sup>", re.ASCII)
_HTML_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|span|code|sup|sub|br)\s?/?>", re.IGNORECASE)


def without_markup(text: str) -> str:
    """`text` without LaTeX commands, Markdown and quotation marks around it.

    Commands that this reader does not know remain, so that the text stays an expression.
    """
    text = with_fractions_for_repeating_decimals(text.strip())
    if "=" in text:
        text = _RELATION.sub(lambda match: _RELATIONS[match[0]], text)
    if "<" in text:
        text = _HTML_TAG.sub("", _HTML_POWER.sub(r"^{\1}", text))
    if not _MARKUP.isdisjoint(text):
        for pattern, replacement in _STEPS:
            text = pattern.sub(replacement, text)
    if "\\" in text:
        text = _COMMAND.sub(_plain_command, text)
    text = _without_dollars(text)
    return _without_quotes(text.strip())


def _without_quotes(text: str) -> str:
    """`text` without marks around it; the mark of A' stays."""
    is_prime = text[-2:-1].isalpha() and text.endswith("'") and "'" not in text[:-1]
    bare = text.strip("*_`\"'").strip()
    return f"{bare}'" if is_prime else bare


def _plain_command(match: re.Match[str]) -> str:
    return _WORDS.get(match[1], match[0])


def _without_dollars(text: str) -> str:
    """`text` without the dollars that delimit a formula; $5 is money and keeps its own."""
    text = text.strip()
    bare = text.rstrip(" .")
    if text.startswith("$") and bare.endswith("$") and len(bare) > 1:
        return bare.strip("$")
    if text.count("$") == 2:  # a formula inside a sentence
        before, inside, after = text.split("$")
        if not (inside[:1].isdecimal() and after[:1].isdecimal()):
            return f"{before}{inside}{after}"
    return text.removesuffix("$") if text.count("$") == 1 and text.endswith("$") else text
