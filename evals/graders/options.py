"""Multiple choice: the letters that an answer chooses, without those that it denies."""

import re

SEVERAL_OPTIONS = "the answer chooses several options"

_OPTION = r"(?:(?:option|choice|answer)s?\s)?\(?([A-Ja-j])(?![A-Za-z'])"
_FIRST = re.compile(rf"(?:(?:either|both|only)\s)?{_OPTION}(?:[).:]|\s?[-\u2013]\s|(?=\W))?", re.I)
_AND = r"\s{0,3}(?:,\s?(?:and|or)\b|[,;/&+]|\band\b|\bor\b|\bas well as\b)\s{0,3}"
_END = r"(?=\s{0,3}(?:[,;/&+):]|\.(?=\s|\Z)|\Z|(?:and|or|as well as|are)\b))"
_NEXT = re.compile(rf"\)?{_AND}(?:both\s)?{_OPTION}{_END}", re.I)
_LABELLED = re.compile(rf"(?:[,;\n]|\band\b|\bor\b)\s{{0,3}}{_OPTION}(?:\)|[.:](?=\s))", re.I)
_STANDS_ALONE = re.compile(r"[).:]|\s?[-\u2013]\s|\s*\Z")
_DENIED = re.compile(  # of the letter itself: `B) The sun is not a star` is the text of an option
    r"\)?\s(?:(?:also|clearly|obviously|definitely|therefore|thus)\s){0,2}"
    r"(?:(?:is|are|was|were|seems?|looks?)\s(?:\w{1,12}\s)?"
    r"(?:wrong|incorrect|false|impossible|excluded|eliminated|ruled out|out|invalid"
    r"|not (?:correct|right|possible|valid|true|it\b|the|an?\s(?:correct|right|valid|answer)))\b"
    r"|(?:isn't|aren't|wasn't)\s(?:correct|right|possible|valid|true|it|the)\b"
    r"|(?:can't|cannot|can not|couldn't|could not) be\b|fails\b)",
    re.I,
)
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|[a-z]{2,7}n't|except|neither|nor|than|instead of|exclude[sd]?"
    r"|eliminate[sd]?|rules? out)"
    r"\s(?:option\s|choice\s)?\(?\Z",
    re.I,
)
_CHOSEN = re.compile(
    r"\b(?:option|choice|answer)s?\s(?:is\s)?(?:option\s|choice\s)?\(?([A-J])\b(?!['-])"
    r"|\b(?:choose|pick|select|go with)\s(?:option\s|choice\s|answer\s)?\(?([A-J])\b(?!['-])"
    r"|(?<![\w'])\(?([A-J])\)?\s(?:is|must be|would be)\s(?:the\s)?(?:right|correct|answer)\b",
    re.I,
)
_MENTION = re.compile(
    r"(?<![A-Za-z'\\])(?:\(([A-Ja-j])\)|([A-J])(?=\)|\s{0,3}(?:[.,;:]|\Z)|\s(?:is|must|was|has)\b))"
)


def chosen_options(answer: str) -> frozenset[str] | None:
    """The letters that `answer` chooses, as capitals; None where it names none clearly.

    `A) 12` and `option A` choose A, `A, B` and `A or B` both, `A is wrong, so B` and `B, not A`
    choose B. A letter in the text of an option, as in `C) Vitamin D`, is none.
    """
    answer = answer.strip()
    first = _FIRST.match(answer)
    if first is None or _DENIED.match(answer, first.end(1)):
        return _mentioned(answer)
    letters, end = [first[1]], first.end(1)
    while (following := _NEXT.match(answer, end)) is not None:
        if _DENIED.match(answer, following.end(1)):
            break
        letters.append(following[1])
        end = following.end(1)
    labels = [label for label in _LABELLED.finditer(answer, end) if not _is_denied(answer, label)]
    letters += [label[1] for label in labels]
    if len(letters) > 1 or _STANDS_ALONE.match(answer, first.end(1)):
        return frozenset(letter.upper() for letter in letters)
    return _mentioned(answer)


def mentions_option(text: str) -> bool:
    """Whether a text names the letter of an option, chosen or not: (B) 5 apples, option B."""
    return _MENTION.search(text) is not None or _CHOSEN.search(text) is not None


def _mentioned(answer: str) -> frozenset[str] | None:
    """The letters of a sentence that are not denied; None where it denies none."""
    chosen = [match for match in _CHOSEN.finditer(answer) if match[match.lastindex or 0].isupper()]
    if letters := {
        match[match.lastindex or 0] for match in chosen if not _is_denied(answer, match)
    }:
        return frozenset(letters)
    named: set[str] = set()
    denied: set[str] = set()
    for mention in _MENTION.finditer(answer):
        letters = denied if _is_denied(answer, mention) else named
        letters.add((mention[1] or mention[2]).upper())
    return frozenset(named - denied) or None if denied else None


def _is_denied(answer: str, mention: re.Match[str]) -> bool:
    before = answer[max(0, mention.start() - 30) : mention.start()]
    end = mention.end(mention.lastindex or 0)
    return bool(_DENIED.match(answer, end) or _DENIAL.search(before))
