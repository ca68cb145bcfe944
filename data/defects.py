"""Defects of a text: fixed phrases, each with its severity and the span where it stands."""

import re
from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"  # an error quarantines the record

SEVERITY = {
    "wrong shape": ERROR,
    "no thinking": ERROR,
    "no answer": ERROR,
    "thought never closed": ERROR,
    "thought never opened": ERROR,
    "order reversed": ERROR,
    "doubled block": ERROR,
    "two answers that differ": ERROR,
    "answer empty": ERROR,
    "answer only inside the reasoning": ERROR,
    "residue of old markers": ERROR,
    "leaked chat-template tokens": ERROR,
    "error text instead of content": ERROR,
    "repetition loop": ERROR,
    "text cut off": ERROR,
    "boxed answer missing": WARNING,  # an error where the rule answer-from-box needs the box
    "answer not short": WARNING,
    "mixed scripts": WARNING,
    "prompt still asks for the old format": NOTE,  # rewritten, see data/prompts.py
    "system prompt of the old format": NOTE,
}

CHAT_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|assistant|user|system)\|>"
    r"|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|<[/]?s>|<(?:bos|eos|pad)>"
)
FAILED = re.compile(
    r"\s*(?:error\s*:|\{\s*\"error\"|internal server error|traceback \(most recent call last\)"
    r"|rate limit|request timed out|i'?m sorry, but i can(?:no|')t)",
    re.IGNORECASE,
)
CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
SENTENCE = re.compile(r"[^.\n]+[.\n]?")
BOX = "\\boxed{"
LOOP = 6  # the same sentence so many times in a row
SHORT = 200  # longest answer that still counts as short [characters]


@dataclass(frozen=True)
class Defect:
    """phrase: one of SEVERITY's   field: prompt, system or completion   span: [characters]"""

    phrase: str
    field: str
    start: int
    end: int

    @property
    def severity(self) -> str:
        return SEVERITY[self.phrase]


@dataclass(frozen=True)
class Box:
    r"""What a \boxed{...} holds, and where it stands."""

    text: str
    start: int
    end: int


def boxes(text: str, start: int, end: int) -> list[Box]:
    r"""The \boxed{...} of text[start:end] whose braces balance, outermost ones, in order."""
    found = []
    place = text.find(BOX, start, end)
    while place >= 0:
        begin = place + len(BOX)
        depth, at = 1, begin
        while at < end and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        if depth:  # never closed: nothing after it can be outside of it
            break
        found.append(Box(text[begin : at - 1], begin, at - 1))
        place = text.find(BOX, at, end)
    return found


def loop_in(text: str) -> tuple[int, int] | None:
    """The span of a sentence that repeats LOOP times in a row, or None."""
    previous, count, start = "", 0, 0
    for match in SENTENCE.finditer(text):
        words = match.group().strip(" .\n")
        if not words:
            continue
        if words == previous and len(words) > 2:
            count += 1
            if count >= LOOP:
                return start, match.end()
        else:
            previous, count, start = words, 1, match.start()
    return None


def text_defects(text: str, prompt: str) -> list[Defect]:
    """Defects of the completion that have nothing to do with its markers."""
    found = []
    if failed := FAILED.match(text):
        found.append(Defect("error text instead of content", "completion", *failed.span()))
    # s1's own markers are chat tokens with a word behind them
    found += [
        Defect("leaked chat-template tokens", "completion", *match.span())
        for match in CHAT_TOKENS.finditer(text)
        if not text.startswith(("think", "answer"), match.end())
    ]
    if loop := loop_in(text):
        found.append(Defect("repetition loop", "completion", *loop))
    if not CJK.search(prompt) and (foreign := CJK.search(text)):
        found.append(Defect("mixed scripts", "completion", *foreign.span()))
    return found
