"""Numbers that their own text takes back: "I first thought 5, but it is something else"."""

import re

NEAR = 80  # [characters] before a number that may take it back
FAR = 200  # [characters] behind it

_THOUGHT = (
    r"(?:thought|guess(?:ed)?|assum(?:ed?|ing)|believed?|calculated|expect(?:ed)?|figured|computed"
    r"|found|considered|supposed|estimated|said|got|wrote|tried|had|took|went)"
)
_BEFORE = re.compile(
    rf"\b(?:at first|first(?:ly)?|initially|originally|mistakenly|wrongly|incorrectly|falsely)\b"
    rf"[^.!?\n]{{0,30}}\b{_THOUGHT}\b[^.!?\n]{{0,40}}\Z"
    rf"|\b{_THOUGHT}\b (?:at first|initially|originally|mistakenly|wrongly)[^.!?\n]{{0,40}}\Z"
    r"|\b(?:suppos(?:e|ing)|assum(?:e|ing)|imagine|pretend|let's say)\b[^.!?,\n]{0,40}\Z"
    r"|\b(?:wrong|incorrect|false|previous|earlier|old) (?:answer|result|value|guess|number)\b"
    r"[^.!?,\n]{0,20}\Z"
    r"|\b(?:used to (?:think|believe)|tempting to (?:say|think|answer)|(?:might|may|would|could)"
    r" (?:first |initially )?(?:think|guess|assume|expect))\b[^.!?\n]{0,40}\Z",
    re.IGNORECASE,
)
_NOT_RIGHT = r"not (?:be )?(?:right|correct|so|true|the (?:right |correct )?(?:answer|case)|it\b)"
_WRONG = (
    rf"(?:wrong|incorrect|false|mistaken|a mistake|{_NOT_RIGHT}|impossible"
    r"|(?:isn't|wasn't|can't be|cannot be) (?:right|correct|it|true|the answer)|doesn't work)"
)
_BEHIND = re.compile(
    r"\A\W{0,3}\?\W{0,3}\Z"  # Is it 5?
    rf"|\b(?:but|however|yet|though|although|actually|wait|no|hmm)\b[^\n]{{0,60}}?"
    rf"\b(?:something else|(?:another|a different|some other) (?:answer|number|value|one|result)"
    rf"|{_WRONG})\b"
    r"|(?:\A|[.!?,;(]\s?)(?:which|that|this|it|the answer|my answer)"
    rf"(?:'s| is| was| must be| seems)? (?:also |\w{{2,9}}ly )?{_WRONG}\b"
    r"|\b(?:scratch|ignore|disregard|forget) (?:that|this|it)\b|\bi (?:was wrong|made (?:a|an)"
    r" (?:\w+ )?(?:mistake|error))\b",
    re.IGNORECASE,
)


def is_retracted(before: str, behind: str) -> bool:
    """Whether the words before a number, or those behind it, take it back.

    Another number behind it is not looked for.
    """
    if _BEHIND.search(behind[:FAR].replace("\u2019", "'")) is not None:
        return True
    return _BEFORE.search(before[-NEAR:].replace("\u2019", "'")) is not None
