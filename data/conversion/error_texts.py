"""Error texts: messages of servers, refusals and placeholders that stand where a text should.

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
NO_ANSWER = re.compile(r"\s*\[object object\]\s*\Z", re.IGNORECASE)  # the others: `placeholder`
MARKER = re.compile(r"<[|/]?\w")

PLACEHOLDER, MAY_BE_PLACEHOLDER = "placeholder instead of an answer", "answer may be a placeholder"
# no answer, unless the question has the same words
PLACEHOLDERS = re.compile(
    r"#?n/a|n\.a\.|not (?:available|applicable|provided|given|known|sure)|<?(?:na|none|null)>"
    r"|(?:(?:sorry,? )?i )?(?:do not|do ?n['\u2019]?t) (?:know|have an answer)"
    r"(?: the answer| how.{0,40})?"
    r"|i(?:['\u2019]m| am)? (?:not sure|unsure)|i have no (?:idea|answer)|idk|unsure"
    r"|no (?:answer|response|output|data)(?: (?:available|given|provided|found))?"
    r"|\[?(?:your |final |insert |the )?answer(?: here| goes here)?\]?"
    r"|tbd|todo|missing|placeholder|empty|blank",
    re.IGNORECASE,
)
# an answer where the question is about code or the thought comes to nothing, else a placeholder
WORDS_FOR_NOTHING = re.compile(r"none|null|nil|nan|undefined|unknown|na", re.IGNORECASE)
ABOUT_CODE = re.compile(
    r"`|\w\(|\b(?:print|return|def|function|python|javascript|java|sql|code|output|program"
    r"|variable|pointer|query|database)s?\b",
    re.IGNORECASE,
)
COMES_TO_NOTHING = re.compile(
    r"\b(?:none|nothing|undefined|unknown|not (?:exist|defined|determined|possible)|impossible"
    r"|no (?:such|real|integer|solutions?|values?|roots?|numbers?|one|elements?|answers?|options?)"
    r"|do(?:es)? not exist|cannot be determined|divi(?:de|ding|sion) by zero)\b",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"[\s*_#]*(?:(?:so|thus|hence|therefore),? )?(?:the |my )?(?:final |correct )?"
    r"answer\b(?: is\b| will be\b)?[\s:=*_]*",
    re.IGNORECASE,
)
AROUND = " \t\n.!:;,*_\"'`$=\u2026"
LONGEST_PLACEHOLDER = 80  # [characters]
TEXT_COMMAND = re.compile(r"\\(?:text(?:bf|it|rm)?|mathrm|mbox)\s?\{([^{}]*)\}")


def says_nothing(answer: str) -> bool:
    """Whether an answer is empty, only marks such as `...`, or only `The answer is:`."""
    if len(answer) > LONGEST_PLACEHOLDER:
        return False
    lead = LEAD.match(answer)
    rest = answer[lead.end() :] if lead else answer
    return not rest.strip(".\u2026-\u2013\u2014_?:*#$ \n\t")


def placeholder(prompt: str, reasoning: str, answer: str, box: str | None, at: int) -> list[Defect]:
    """Whether `answer`, which starts at `at`, only stands for an answer that is missing.

    What the question itself has, such as the option `None` or a request to say "I don't know", may
    be the answer; so may `None` where the question is about code or the thought comes to nothing.
    Then it is a warning.

    box: the content of the answer's last box, if it has one
    """
    if len(answer) > LONGEST_PLACEHOLDER:
        return []
    lead = LEAD.match(answer) if box is None else None
    content = box if box is not None else answer[lead.end() :] if lead else answer
    content = TEXT_COMMAND.sub(r"\1", content).strip(AROUND)
    is_word = WORDS_FOR_NOTHING.fullmatch(content) is not None
    if not content or not (is_word or PLACEHOLDERS.fullmatch(content)):
        return []
    may_be_meant = _stands_in(content, prompt)
    if is_word and not may_be_meant:
        may_be_meant = bool(ABOUT_CODE.search(prompt) or COMES_TO_NOTHING.search(reasoning))
    phrase = MAY_BE_PLACEHOLDER if may_be_meant else PLACEHOLDER
    return [Defect(phrase, "completion", at, at + len(answer))]


def _stands_in(content: str, prompt: str) -> bool:
    pattern = rf"(?<!\w){re.escape(content)}(?!\w)"
    return re.search(pattern, prompt, re.IGNORECASE) is not None


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
