"""A text that runs on into another question is cut there: its answer stands before."""

import re
from collections.abc import Callable
from typing import NamedTuple

from evals.graders.thought import Thought, thoughts

FEW_LINES = 4  # in which a question is looked for faster than its words
SHORT = 60  # [characters] of a text that may be a bare number
LONGEST_SENTENCE = 300  # [characters] before a question that are looked at

_HEADING = r"""
  (?: question|problema?|problème|exercise|q|user|human|task|instruction|example|pregunta|pergunta
    | domanda|frage|aufgabe|exercice|ejercicio|exercício|esercizio|вопрос|задача
    | 问题|問題|题目|題目|例题|例題|练习|質問|例|문제|질문 )
  [ \t]?(?P<number>\d{0,3})[ \t*_]{0,4}
  (?: [:\uff1a] | (?<=\d)[.)](?=\s) | (?<=[nm\d])[ \t*_]{0,4}\n )
"""
_QUESTION = re.compile(
    rf"\n[ \t\#*>_]{{0,8}} (?:(?:next|new|another|follow-up)[ ])? {_HEADING}",
    re.IGNORECASE | re.VERBOSE,
)
# Chat tokens: of a turn that is not the model's, of the model's turn, and of the end of any turn.
_ROLES = r"(?:user|human|system|developer|tool)\b"
_CHAT = re.compile(
    rf"""
    (?=[<\[]) (?:
    (?P<other> <\|im_start\|>{_ROLES} | <start_of_turn>{_ROLES} | <\|start\|>{_ROLES}
      | <\|(?:start_header_id|header_start|start_of_role)\|>{_ROLES} | <\|(?:user|system)\|>
      | \[INST\] | <\uff5cUser\uff5c> | <\|START_OF_TURN_TOKEN\|><\|(?:USER|SYSTEM)_TOKEN\|> )
  | (?P<model> <\|im_start\|>assistant | <start_of_turn>model | <\|start\|>assistant
      | <\|(?:start_header_id|header_start|start_of_role)\|>assistant
        (?:<\|(?:end_header_id|header_end|end_of_role)\|>)?
      | <\|assistant\|> | \[/INST\] | <\uff5cAssistant\uff5c>
      | <\|START_OF_TURN_TOKEN\|><\|CHATBOT_TOKEN\|> )
  | (?P<end> <\|im_end\|> | <end_of_turn> | <\|(?:eot_id|eom_id|eot)\|> | <\|endoftext\|> | <eos>
      | </s> | <\|end_of_text\|> | <\|return\|> | <\|end_?of_?turn(?:_token)?\|>
      | <\uff5cend\u2581of\u2581sentence\uff5c> ) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BEGIN = re.compile(
    r"\s*(?:(?:<bos>|<s>|<\|begin_of_text\|>|<\uff5cbegin\u2581of\u2581sentence\uff5c>)\s*)?"
)
_CONCLUSION = re.compile(
    r"(?:\A|[.!?:;,]\s|\n)\W{0,4}(?:and\s|so\s)?"
    r"(?:so|therefore|thus|hence|consequently|altogether|finally"
    r"|in (?:total|all|the end|conclusion)|th(?:is|at) (?:means|leaves|makes|gives)"
    r"|we (?:get|have|find))\b|=|\bequals?\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"[^\W\d_]{0,3}[^\w\n]{0,6}\d[^A-Za-z\n]{0,30}(?:[A-Za-z]{1,12}\W{0,3}){0,2}")
_SENTENCE_END = re.compile(r"[.!)\d%$*\]}]\s*\Z")
# A heart behind an answer, which is no inequality: The answer is 5 <3
_HEART = re.compile(
    r"(?:\A\W{0,4}|[\n.!?]\s?|\b(?:is|are|it's|equals|get|answer:|total:)\W{1,4})"
    r"[$-]{0,2}\d[\d,.]{0,20}(?P<unit>\s[a-z]{3,12})?[.!]?(?P<heart>\s{1,3}<3)\Z"
    r"|[.!?*](?P<lone>\s{1,3}<3)\Z",
    re.IGNORECASE,
)
_CHAT_HINTS = ("<|", "[inst", "<e", "</s", "<start_of")
_QUESTION_HINTS = (
    "\nq", "quest", "problem", "exerci", "example", "user", "human", "task", "instruction",
    "pregunta", "pergunta", "domanda", "frage", "aufgabe", "ejercicio", "esercizio",
)  # fmt: skip


class Response(NamedTuple):
    """A text up to another question; and what follows, where it may belong to the same answer."""

    text: str
    rest: str = ""


def without_heart(text: str) -> str:
    """`text` without a heart at its end, as in "It is 5 <3"; "x <3" is left."""
    stripped = text.rstrip()
    if not stripped.endswith("<3"):
        return text
    near = stripped[-SHORT:]
    heart = _HEART.search(near)
    if heart is None:
        return text
    start = heart.start("heart") if heart["heart"] else heart.start("lone")
    return stripped[: len(stripped) - len(near) + start]


def first_turn(text: str) -> str:
    """The model's first turn in a text with chat tokens, which may begin with its prompt."""
    if text.isascii() and "<" not in text and "[" not in text:
        return text
    if text.isascii() and not _has(text.lower(), _CHAT_HINTS):
        return text
    closed = [thought for thought in thoughts(text) if thought.has_tags]
    start, is_prompt = _BEGIN.match(text).end(), False  # type: ignore[union-attr]  # it always matches
    for match in _outside(_CHAT, text, closed):
        if match["model"]:
            if is_prompt or not text[start : match.start()].strip():
                start, is_prompt = match.end(), False
        elif not is_prompt and text[start : match.start()].strip():
            return text[start : match.start()]
        elif match["other"]:
            is_prompt = True
        elif not is_prompt:
            start = match.end()
    return text[start:]


def before_next_question(
    text: str, marks_answer: Callable[[str], bool], gold_is_number: bool
) -> Response:
    """`text` up to the first question after an answer, marked or not.

    Numbered questions that a text asks itself before that, one by one, belong to the solution.
    Where a question follows a number that may be an answer, or part of what introduces the
    question, `rest` is what follows.
    """
    is_short = text.count("\n") < FEW_LINES
    if not is_short and text.isascii() and not _has(text.lower(), _QUESTION_HINTS):
        return Response(text)
    text = f"\n{text}"  # so that a question may begin the text
    if is_short and _QUESTION.search(text) is None:
        return Response(text[1:])
    inside = thoughts(text)
    is_numbered = is_answered = False
    start = 0
    for match in _outside(_QUESTION, text, inside):
        piece = _without_thoughts(text, start, match.start(), inside)
        start = match.end()
        is_answered = is_answered or marks_answer(piece)
        number = int(match["number"] or 0)
        if match["number"] and is_numbered:
            continue
        if not is_answered and match["number"] and number < 2:
            is_numbered = True
        elif is_answered or _concludes(piece, gold_is_number):
            return Response(text[1 : match.start()])
        elif gold_is_number and _ends_with_a_number(piece):
            return Response(text[1 : match.start()], text[match.start() :])
    return Response(text[1:])


def _has(lower: str, hints: tuple[str, ...]) -> bool:
    """Whether a text in lower case has one of `hints`: a loop takes half the time of `any`."""
    for hint in hints:  # noqa: SIM110
        if hint in lower:
            return True
    return False


def _outside(pattern: re.Pattern[str], text: str, inside: list[Thought]) -> list[re.Match[str]]:
    """The matches that begin in no thought."""
    matches = []
    following = iter([*inside, Thought(len(text) + 1, len(text) + 1, True)])
    thought = next(following)
    for match in pattern.finditer(text):
        while thought.end <= match.start():
            thought = next(following)
        if match.start() < thought.start:
            matches.append(match)
    return matches


def _without_thoughts(text: str, start: int, end: int, inside: list[Thought]) -> str:
    pieces = []
    for thought in inside:
        if start < thought.end and thought.start < end:
            pieces.append(text[start : max(start, thought.start)])
            start = thought.end
    return "".join([*pieces, text[start:end]])


def _concludes(piece: str, gold_is_number: bool) -> bool:
    """Whether a piece without a mark ends with a conclusion, or is a bare number."""
    bare = piece.strip()
    if len(bare) <= SHORT and _BARE.fullmatch(bare):
        return True
    sentence = bare[-LONGEST_SENTENCE:].rpartition("\n")[2]
    is_statement = _SENTENCE_END.search(sentence) is not None
    has_number = not gold_is_number or _has_digit(sentence)
    return is_statement and has_number and _CONCLUSION.search(sentence) is not None


def _ends_with_a_number(piece: str) -> bool:
    """Whether the last sentence of a piece states a number; `Here are 3 facts:` states none."""
    line = piece.strip()[-LONGEST_SENTENCE:].rpartition("\n")[2]
    sentence = re.split(r"(?<=[.!?])\s+(?=\S)", line)[-1]
    return _SENTENCE_END.search(sentence) is not None and _has_digit(sentence)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
