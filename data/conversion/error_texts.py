"""Error texts: messages of servers and refusals that stand where a prompt or an answer should.

People ask about errors, apologize, and have `null` or "Error: 3 %" for an answer. So only a text
that is nothing but an error or a refusal counts, never one that only begins like it.
"""

import re

from data.conversion.defects import Defect

PHRASE = "error text instead of content"
HEAD = 400  # how much of the beginning of a text is looked at [characters]

# how the message of a server begins
BEGINS = re.compile(
    r"\s*(?:(?:an? |the |http |api |openai |server )?(?:error|exception)\b|\{\s?[\"']error[\"']"
    r"|<!doctype html|<html|traceback \(most recent call last\)"
    r"|(?:429|500|502|503|504|52[0-9])\b|internal server error|bad gateway|gateway time-?out"
    r"|service (?:temporarily )?unavailable|too many requests|rate limit|request timed out"
    r"|connection (?:error|refused|reset|aborted))",
    re.IGNORECASE,
)
# what such a message is about; an error that a question is about says none of this
OF_A_SERVER = re.compile(
    r"internal server error|bad gateway|gateway time-?out|service (?:temporarily )?unavailable"
    r"|too many requests|rate.?limit|timed? ?out|connection|overloaded|quota|api[ _]key"
    r"|unauthorized|(?:maximum )?context length|content (?:filter|policy|management)"
    r"|out of memory|httpx|urllib3|requests\.exceptions|openai\.|server (?:had an )?error"
    r"|try again later|bad request"
    r"|(?:error|status|code|http)[ :\"']{0,4}(?:4[0-9]{2}|5[0-9]{2})\b|\"message\":",
    re.IGNORECASE,
)
CANNOT = (
    r"(?:cannot|can ?not|can['\u2019]?t|could ?n[o'\u2019]t|won['\u2019]?t|unable to|not able to)"
)
I_AM = r"i(?:(?: a|['\u2019])m)?"
REFUSAL = re.compile(
    rf"\s*(?:(?:{I_AM} (?:very |really |so |terribly )?)?sorry[,.;:]?(?: but)?[, ]{{0,2}}"
    rf"(?:as an ai[^.<]{{0,80}}?)?{I_AM} {CANNOT}"
    rf"|{I_AM} {CANNOT} (?:assist|help (?!but)|comply|fulfil|engage (?:in|with)|discuss|do that)"
    rf"|as an ai(?: language)? model,? {I_AM} (?:{CANNOT}|do ?n[o'\u2019]t))",
    re.IGNORECASE,
)
WORKS_ON = re.compile(r"[0-9=?]")  # a text that goes on with a question or a calculation
NOTHING = re.compile(r"\s*(?:null|nan|none|undefined|n/a|\[object object\])\s*\Z", re.IGNORECASE)
NO_ANSWER = re.compile(r"\s*\[object object\]\s*\Z", re.IGNORECASE)  # the others may be answers
MARKER = re.compile(r"<[|/]?\w")


def error_text(text: str, field: str, at: int = 0, role: str = "completion") -> list[Defect]:
    """Whether `text` is nothing but the error message of a server or a refusal.

    at: where `text` starts in its field
    role: completion, reasoning, answer or prompt
    """
    match = (NO_ANSWER if role == "answer" else NOTHING).match(text)
    match = match or _server_error(text, role) or _refusal(text)
    return [Defect(PHRASE, field, at + match.start(), at + match.end())] if match else []


def _server_error(text: str, role: str) -> re.Match[str] | None:
    match = BEGINS.match(text)
    if not match:
        return None
    head = text[: match.end() + HEAD]
    if role != "completion" and len(text) > len(head):
        return None
    if role == "prompt" and "?" in text:
        return None
    return match if OF_A_SERVER.search(head) else None


def _refusal(text: str) -> re.Match[str] | None:
    match = REFUSAL.match(text)
    if not match:
        return None
    rest = text[match.end() : match.end() + HEAD]
    marker = MARKER.search(rest)
    rest = rest[: marker.start()] if marker else rest
    return None if len(rest) == HEAD or WORKS_ON.search(rest) else match
