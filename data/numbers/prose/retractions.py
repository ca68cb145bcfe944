"""Numbers that their own text takes back, denies or doubts: "I first thought 5, but it is not".

An opinion counts as an answer ("I think it is 5", "it is probably 5"); a mere possibility ("it
might be 5", "perhaps it is 5") does not.
"""

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
    r"|\bi (?:(?:highly|seriously|really|very much|strongly) )?doubt (?:it|that|this)\b|\bkidding\b"
    r"|[.,;] or (?:maybe |perhaps )?not[.!\s]*\Z"
    r"|\b(?:it|that|this) (?:is not|isn't)[.!\s]*\Z"
    r"|\b(?:scratch|ignore|disregard|forget) (?:that|this|it)\b|\bi (?:was wrong|made (?:a|an)"
    r" (?:\w+ )?(?:mistake|error))\b",
    re.IGNORECASE,
)
# What denies or doubts the statement that follows: I don't think (that) the answer is 5.
_NOT = r"(?:not|n't|never)(?: (?:really|even|actually|quite|entirely|at all))?"
_DENIAL = (
    rf"{_NOT} (?:think|thinks|believe|believes|say|see how|claim|agree|accept|feel|expect"
    rf"|suppose|guess"
    r"|conclude|confirm|assume|state|prove|show|assert|be (?:sure|certain|true|right|correct"
    r"|the case"
    r"|possible)|mean|tell you|know|possible|likely|true|the case|certain|sure|clear|convinced"
    r"|correct|right|confident|a chance|said|claimed)"
    r"|(?<!not )(?<!n't )(?:impossible|unlikely|improbable|implausible|inconceivable|untrue|unclear"
    r"|unsure|uncertain|doubtful|questionable|debatable)"
    r"|(?:wrong|incorrect|false|mistaken|nonsense|absurd|ridiculous|a (?:mistake|lie|myth)"
    r"|an error)"
    r"(?: to (?:say|think|believe|claim|assume|conclude))?"
    r"|no (?:way|chance|possibility|evidence|proof|guarantee"
    r"|reason to (?:think|believe|assume|say))"
    r"|(?:no one|nobody) (?:says|thinks|believes|said|thought|can say|would say)"
    r"|(?<!no )(?<!not )(?<!n't )(?<!a )(?<!any )(?<!without )(?<!beyond )(?<!to )(?<!nobody )"
    r"(?<!no one )(?<!never )doubts?"
    r"|(?<!not )(?<!n't )(?:deny|refuse to (?:believe|say|accept|think)|disagree|reject"
    r"|rule out|ruled out|hardly (?:think|believe|say|see how))"
    r"|(?:perhaps|maybe|possibly|it (?:may|might|could) be|it(?:'s| is) (?:just )?possible)"
)
# The words that may stand between a denial and what it denies; others begin something else.
_CLAUSE = (
    r"(?:(?!\b(?:so|but|because|since|as|and|hence|thus|therefore|unless|except|only|other|anything"
    r"|nothing|how|why|what|until|before|then)\b)[^.!?,;:=\n\d]){0,30}"
)
_DENIED = re.compile(
    rf"(?:{_DENIAL})(?: (?:that|for a fact that|if|whether|the idea that|the claim that))?"
    r"(?: (?:the|an?|my|your|this|our))?(?: (?:right|correct|final|true|real|actual))?\s\Z",
    re.IGNORECASE,
)
_DENIED_NUMBER = re.compile(
    rf"(?:\b|(?=n't))(?:{_DENIAL}) (?:that )?(?:the |my |this )?(?:\w+ )?(?:answer |result "
    rf"|total )?"
    rf"(?:it|this|that|there|he|she|they|we|is|are|was|were|would|could|has|have"
    rf"|equals)\b{_CLAUSE}\Z"
    r"|\b(?:it|this|that|(?:answer|result|total|number|value|solution)) (?:may|might|could)"
    r" (?:perhaps |possibly |also |well )?(?:be|equal) [^\w.!?,;:\n]{0,4}\Z"
    rf"|\b(?:can ?not|can't|could ?n[o']t|won't|must ?n[o']t) (?:possibly |really "
    rf"|ever )?(?:be|equal)"
    rf" {_CLAUSE}\Z|\b(?:in no way|under no circumstances) {_CLAUSE}\Z",
    re.IGNORECASE,
)
# The answer to a question that the text asks itself: Is it 5? No. It is 5, right? Wrong.
_ANSWERED_BY_NO = re.compile(
    r"\A[^.!?\n\d]{0,40}\?[\s*_?!\"')]{0,6}(?:hmm?,? |well,? |oh,? |sorry,? |i (?:would "
    r"|'d )?say )?"
    r"(?:no(?! (?:doubt|question|wonder|problem|other))|nope|nah|wrong|incorrect|false|never"
    r"|impossible"
    r"|unlikely|hardly|(?:certainly|definitely|absolutely|probably|of course|surely|clearly"
    r"|maybe) not"
    r"|not (?:really|quite|at all|so|likely|possible|true|sure|correct|right|exactly|a chance)"
    r"|not(?=[.!,\s]*\Z)|(?:it|that|this) (?:is ?n[o']t|is not|can't be|cannot be)"
    r"|i (?:do not|don't|doubt|am not|'m not|cannot|can't)|(?:that|this|it)(?:'s"
    r"| is) (?:wrong|false))\b"
    r"|\A\W{0,3}\?\W{0,3}\Z",
    re.IGNORECASE,
)


def is_denied(before: str) -> bool:
    """Whether the words before a statement deny or doubt it: I don't think that the answer is 5."""
    return _DENIED.search(before[-NEAR:].replace("\u2019", "'")) is not None


def is_denied_number(before: str) -> bool:
    """Whether the words before a number deny or doubt it: I don't think it is 5."""
    return _DENIED_NUMBER.search(before[-NEAR:].replace("\u2019", "'")) is not None


def is_answered_by_no(behind: str) -> bool:
    """Whether a number is asked for and denied behind it, or left as a question: 5? No."""
    return _ANSWERED_BY_NO.search(behind[:FAR].replace("\u2019", "'")) is not None


def is_retracted(before: str, behind: str) -> bool:
    """Whether the words before a number, or those behind it, take it back.

    Another number behind it is not looked for.
    """
    if _BEHIND.search(behind[:FAR].replace("\u2019", "'")) or is_answered_by_no(behind):
        return True
    near = before[-NEAR:].replace("\u2019", "'")
    return _BEFORE.search(near) is not None or is_denied_number(near)
