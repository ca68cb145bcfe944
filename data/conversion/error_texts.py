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
EMPTY = "answer empty"
# an empty cell: no answer, unless the question has the same words or is about code
EMPTY_CELL = re.compile(
    r"#?n/a!?|n\.\s?a\.?|tb[da]|<(?:n/?a|none|null|nil|nan|unknown|undefined|missing|empty|blank)>"
    r"|\[(?:deleted|removed|redacted|hidden|missing|empty|blank|no answer)\]",
    re.IGNORECASE,
)
# what speaks of the answer, or of who should give it: no answer, unless the question has the words
NO_ANSWER_GIVEN = re.compile(
    r"(?:(?:sorry,? )?i )?(?:do not|do ?n['\u2019]?t) (?:know|have an answer)"
    r"(?: the (?:answer|solution)| how.{0,40}| this| that| it)?"
    r"(?: (?:to|for) (?:this|that|the) \w+)?"
    r"|i(?:['\u2019]m| am)? (?:not sure|unsure)|i have no (?:idea|answer)|no idea|idk|dunno"
    r"|no (?:answer|response|output|data|content) (?:is |was )?(?:available|given|provided|found)"
    r"|no solution (?:is |was )?(?:available|given|provided)"
    r"|(?:the )?answer (?:is |was )?(?:un|not )(?:available|given|provided|found)",
    re.IGNORECASE,
)
_OPEN, _CLOSE = r"[\[<{(]", r"[\]>})]"
_ASKING = r"(?:insert|put|write|enter|fill in|your)[ _]"
_BETWEEN = r"(?:(?:your|the|my|a|an|final|short|correct|numerical|actual)[ _]){0,4}"
_VALUE = r"(?:answer|value|number|result|response|solution)"
# a template that nobody filled in, also where the question shows it: [your answer here]
TEMPLATE = re.compile(
    rf"{_OPEN}*(?:{_ASKING})?{_BETWEEN}{_VALUE}[ _](?:goes[ _])?here{_CLOSE}*"
    rf"|{_OPEN}+{_ASKING}{_BETWEEN}{_VALUE}{_CLOSE}+|{_OPEN}+{_BETWEEN}answer{_CLOSE}+|[\[<{{]+value[\]>}}]+"
    rf"|(?:insert|your)[ _]{_BETWEEN}answer|(?:the|my|final)[ _](?:final[ _])?answer",
    re.IGNORECASE,
)
BOXED_TEMPLATE = re.compile(r"answer|value", re.IGNORECASE)  # put your answer in \boxed{answer}
# what may be said of a thing: `none` of them, an `undefined` slope, Na (sodium), `not given`
MAY_BE_MEANT = re.compile(
    r"[(\[]?(?:none|null|nil|nan|na|undefined|unknown|missing|empty|blank|placeholder|todo|unsure"
    r"|unspecified|unavailable|void|answer|to be determined|not (?:available|applicable|provided"
    r"|given|known|sure|specified|stated|found)|no (?:answer|response|output|data|value))[)\]]?",
    re.IGNORECASE,
)
ABOUT_CODE = re.compile(
    r"```|(?<!`)`[^`\n]{1,80}`|\bprint\s?\("
    r"|\b(?:javascript|sql|regex|vlookup|data ?frame)\b|\bin (?:python|excel)\b"
    r"|\bpython (?:code|program|script|function)\b"
    r"|\bwhat (?:does|will|would|is)\b[^.?]{0,40}\b(?:code|program|script|snippet|query)"
    r"\b[^.?]{0,20}\b(?:output|print|return|show|display)s?\b",
    re.IGNORECASE,
)
MARKS = ".\u2026-\u2013\u2014_?:*#$ \n\t"
# a question whose answer may be a mark: which operator, what starts a comment, 5 _ 3 = 2
ABOUT_MARKS = re.compile(
    r"\b(?:which|what) (?:(?:comparison|arithmetic|mathematical|logical|missing|correct) )?"
    r"(?:symbol|operator|operation|sign|punctuation|character|glyph|dash|separator|delimiter"
    r"|wildcard|emoticon|mark (?:ends|begins|stands))s?\b"
    r"|\bwhat is the (?:sign|symbol) (?:of the dollar|for)\b"
    r"|\bwhat (?:begins|starts|marks) a comment\b|\bgoes in the blank: \d\s?_"
    r"|\bpattern\b:?\s?[^\w\s]\s[^\w\s]",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"[\s*_#]*(?:(?:so|thus|hence|therefore),? )?(?:the |my )?(?:final |correct )?"
    r"answer\b(?: is\b| will be\b)?[\s:=*_]*",
    re.IGNORECASE,
)
AROUND = " \t\n.!:;,*_\"'`$=\u2026"
LONGEST_MARK = 2  # [characters]
NOT_A_MARK = frozenset("([{\\")  # what begins something
LONGEST_PLACEHOLDER = 80  # [characters]
MARKUP = (
    (re.compile(r"\\(?:text(?:bf|it|rm)?|mathrm|mbox)\s?\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:[,;:! ]|q?quad\b|hspace\s?\{[^{}]*\})|\$\s*\$|\\\(\s*\\\)|\\\[\s*\\\]"), ""),
    (re.compile(r"\\underline\s?\{([\s_]*)\}"), r"\1"),
    (re.compile(r"\\[lc]?dots\b"), "..."),
    (re.compile(r"\\([_#$%&])"), r"\1"),
)


def says_nothing(answer: str) -> bool:
    """Whether an answer is empty, or only `The answer is:`."""
    return len(answer) <= LONGEST_PLACEHOLDER and not _without_lead(answer).strip()


def placeholder(prompt: str, answer: str, box: str | None, at: int) -> list[Defect]:
    """Whether `answer`, which starts at `at`, only stands for an answer that is missing.

    What may be said of a thing (none, undefined, not given) is a warning. N/A, "I don't know" or
    `...` is an error, unless the question speaks of it; a template is always one.

    box: the content of the answer's last box, if it has one
    """
    text = answer if box is None else box
    if len(text) > LONGEST_PLACEHOLDER:
        return []
    shown = _without_markup(text)
    content = _without_lead(shown) if box is None else shown
    if content.strip(MARKS):
        phrase = _phrase_of_words(
            prompt, shown.strip(AROUND), content.strip(AROUND), box is not None
        )
    elif content.strip():
        phrase = _phrase_of_marks(prompt, content.strip())
    else:  # what is empty without markup, `blocks` reports
        phrase = EMPTY if shown != text else ""
    return [Defect(phrase, "completion", at, at + len(answer))] if phrase else []


def _phrase_of_marks(prompt: str, marks: str) -> str:
    """The defect of an answer of nothing but `marks`: `-` may be an operator."""
    if len(marks) > 1 and not marks.strip("_ "):  # a blank to fill in
        return EMPTY
    patterns = (ABOUT_MARKS, ABOUT_CODE, _shown(marks))
    may_be_meant = any(pattern.search(prompt) for pattern in patterns)
    return MAY_BE_PLACEHOLDER if may_be_meant else EMPTY


def _phrase_of_words(prompt: str, shown: str, content: str, is_boxed: bool) -> str:
    """The defect of an answer in words; "" where it has none.

    content: what is shown, without `The answer is`
    """
    if is_boxed and BOXED_TEMPLATE.fullmatch(content):
        return PLACEHOLDER
    if any(TEMPLATE.fullmatch(text) for text in (shown, content)):
        return PLACEHOLDER
    is_cell = EMPTY_CELL.fullmatch(content) is not None
    if not is_cell and not any(NO_ANSWER_GIVEN.fullmatch(text) for text in (shown, content)):
        return MAY_BE_PLACEHOLDER if MAY_BE_MEANT.fullmatch(content) else ""
    may_be_meant = _stands_in(content, prompt) or (is_cell and ABOUT_CODE.search(prompt))
    return MAY_BE_PLACEHOLDER if may_be_meant else PLACEHOLDER


def may_be_a_mark(prompt: str, answer: str) -> bool:
    """Whether `answer` is marks such as + or <=, which are no end in the middle of something."""
    is_mark = 0 < len(answer) <= LONGEST_MARK and not any(c.isalnum() for c in answer)
    if not is_mark or not NOT_A_MARK.isdisjoint(answer):
        return False
    patterns = (ABOUT_MARKS, ABOUT_CODE, _shown(answer))
    return any(pattern.search(prompt) for pattern in patterns)


def _shown(marks: str) -> re.Pattern[str]:
    """Where a question shows `marks`: in quotation marks, or as an option."""
    quoted = rf"[\"'`\u2018\u201c$]{re.escape(marks)}[\"'`\u2019\u201d$]"
    return re.compile(rf"{quoted}|\b[A-Ha-h1-9][).:]\s?{re.escape(marks)}(?!\S)")


def _without_lead(answer: str) -> str:
    lead = LEAD.match(answer)
    is_a_word = answer.strip(" \n.").lower() == "answer"  # which may be the answer
    return answer[lead.end() :] if lead and not is_a_word else answer


def _without_markup(text: str) -> str:
    for pattern, plain in MARKUP:
        text = pattern.sub(plain, text)
    return text


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
