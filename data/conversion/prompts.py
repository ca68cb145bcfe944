r"""Prompts: requests for the old format are removed, and every change is recorded.

These rewrites always happen. Each records its rule, the span it replaces, and the text before and
after. Example: `Return your final response within \boxed{}. ` in front of a question is dropped.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from data.conversion.defects import Defect
from data.conversion.dialects import CHAT_TOKENS, Dialect, DialectTable, Marker, markers_in

OLD_REQUESTS_BEFORE = ("Return your final response within \\boxed{}.",)
OLD_REQUESTS_AFTER = (
    "Please reason step by step, and put your final answer within \\boxed{}.",
    "Let's think step by step and output the final answer within \\boxed{}.",
)
# What chat templates write before a single turn of the user, and after it
TEMPLATE_BEFORE = re.compile(
    r"\s*(?:(?:<bos>|<s>(?=\s*\[INST\])|<\|begin_of_text\|>|<\|endoftext\|>|<\uff5cbegin▁of▁sentence\uff5c>)\s*)*"
    r"(?:<start_of_turn>user\s|<\|im_start\|>user\s|<\|start_header_id\|>user<\|end_header_id\|>"
    r"|\[INST\]|<\uff5cUser\uff5c>|<\|user\|>|<\|START_OF_TURN_TOKEN\|><\|USER_TOKEN\|>"
    r"|<\|start\|>user<\|message\|>)?\s*"
)
TEMPLATE_AFTER = re.compile(
    r"(?:<end_of_turn>|<\|im_end\|>|<\|eot_id\|>|\[/INST\]|<\|end\|>|</s>|<eos>|<\|endoftext\|>"
    r"|<\|END_OF_TURN_TOKEN\|>|<\uff5cend▁of▁sentence\uff5c>|\s){0,9}"
    r"(?:<start_of_turn>model|<\|im_start\|>assistant|<\uff5cAssistant\uff5c>|<\|assistant\|>"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>|<\|start\|>assistant"
    r"|<\|START_OF_TURN_TOKEN\|><\|CHATBOT_TOKEN\|>)?\s{0,9}\Z"
)
LONGEST_AFTER = 160  # of what a template writes after a turn [characters]
ASKS_FOR_BOX = re.compile(r"\\boxed\s{0,4}\{\s{0,4}\}|\b(?:within|inside|in|using) \$?\\boxed")


@dataclass(frozen=True)
class Rewrite:
    """[start, end) of the field's text: what stood there, and what stands there now."""

    rule: str
    field: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class Prompt:
    """The prompt to train on. opener: the dialect whose thought the source's prompt had opened."""

    text: str
    rewrites: tuple[Rewrite, ...]
    defects: tuple[Defect, ...]
    opener: Dialect | None = None


def rewritten(system: str, prompt: str, table: DialectTable) -> Prompt:
    """The system prompt, unless it is of the old format, then the prompt without old requests."""
    end = len(prompt)
    rewrites = []
    opener = _opener(prompt, table)
    if opener:
        marker, _ = opener
        at = prompt.rindex(marker)
        rewrites.append(Rewrite("drop-opener", "prompt", at, end, prompt[at:], ""))
        end = at
    start, end, template = _template(prompt, end)
    for request in OLD_REQUESTS_BEFORE:
        at = start + _leading_space(prompt[start:end])
        if prompt.startswith(request, at, end):
            after = at + len(request)
            after += _leading_space(prompt[after:end])
            before = prompt[start:after]
            rewrites.append(Rewrite("drop-old-request", "prompt", start, after, before, ""))
            start = after
    for request in OLD_REQUESTS_AFTER:
        body = prompt[start:end].rstrip()
        if body.endswith(request):
            at = start + len(body.removesuffix(request).rstrip())
            rewrites.append(Rewrite("drop-old-request", "prompt", at, end, prompt[at:end], ""))
            end = at
    prefix, system_rewrites, system_defects = _rewritten_system(system, table)
    defects = list(system_defects)
    defects += [
        Defect("prompt still asks for the old format", "prompt", rewrite.start, rewrite.end)
        for rewrite in rewrites
    ]
    defects += _still_asks(prompt, start, end, table)
    defects += [
        Defect("chat template around the prompt", "prompt", rewrite.start, rewrite.end)
        for rewrite in template
    ]
    rewrites += template
    body = prompt[start:end].strip()
    text = f"{prefix}\n\n{body}" if prefix else body
    rewrites += system_rewrites
    return Prompt(text, tuple(rewrites), tuple(defects), opener[1] if opener else None)


def _template(prompt: str, end: int) -> tuple[int, int, list[Rewrite]]:
    """Where the text between the tokens of a chat template starts and ends; what is removed."""
    before = TEMPLATE_BEFORE.match(prompt, 0, end)
    start = before.end() if before and before.group().strip() else 0
    tail = max(start, end - LONGEST_AFTER)
    has_brackets = prompt.find("<", tail, end) >= 0 or prompt.find("[/INST]", tail, end) >= 0
    after = TEMPLATE_AFTER.search(prompt, tail, end) if has_brackets else None
    stop = after.start() if after and after.group().strip() else end
    spans = [(0, start), (stop, end)]
    rewrites = [
        Rewrite("drop-template", "prompt", a, b, prompt[a:b], "") for a, b in spans if a < b
    ]
    return start, stop, rewrites


def _leading_space(text: str) -> int:
    """How many whitespace characters `text` starts with."""
    return len(text) - len(text.lstrip())


def _opener(prompt: str, table: DialectTable) -> tuple[str, Dialect] | None:
    """The thought's opener at the end of the prompt, as some chat templates write it."""
    end = prompt.rstrip()[-40:]
    if not end.endswith(table.thought_endings):
        return None
    for marker, dialect in table.thought_markers.items():
        if end.endswith(marker) and marker in dialect.thought_open:
            return marker, dialect
    return None


@lru_cache(maxsize=64)  # most datasets have one system prompt for all their rows
def _rewritten_system(
    system: str, table: DialectTable
) -> tuple[str, tuple[Rewrite, ...], tuple[Defect, ...]]:
    """The system prompt that goes in front of the prompt, or "" if it is of the old format."""
    if not system.strip():
        return "", (), ()
    whole = (0, len(system))
    if _is_old(system, table):
        rewrite = Rewrite("drop-old-system-prompt", "system", *whole, system, "")
        return "", (rewrite,), (Defect("system prompt of the old format", "system", *whole),)
    rewrite = Rewrite("system-prompt-into-prompt", "system", *whole, system, system.strip())
    tokens = _chat_tokens(system, markers_in(system, table), "system")
    return system.strip(), (rewrite,), tuple(tokens)


def _is_old(text: str, table: DialectTable) -> bool:
    markers = (marker.text for marker in markers_in(text, table))
    return bool(ASKS_FOR_BOX.search(text)) or any(word in table.old_markers for word in markers)


def _still_asks(prompt: str, start: int, end: int, table: DialectTable) -> list[Defect]:
    rest = prompt[start:end]
    spans = [match.span() for match in ASKS_FOR_BOX.finditer(rest)]
    markers = markers_in(rest, table)
    spans += [(m.start, m.end) for m in markers if m.text in table.old_markers]
    asks = [
        Defect("prompt still asks for the old format", "prompt", start + a, start + b)
        for a, b in sorted(spans)
    ]
    return asks + _chat_tokens(rest, markers, "prompt", start)


def _chat_tokens(text: str, markers: list[Marker], field: str, at: int = 0) -> list[Defect]:
    """Tokens of chat templates in `text`, which starts at `at` in its field.

    The tokenizer would take them for the ends of turns.
    """
    defects = []
    for marker in markers:
        if marker.text not in CHAT_TOKENS or (marker.text == "</s>" and "<s>" in text):  # HTML
            continue
        is_word = marker.quoted or marker.mention
        phrase = "marker quoted in the text" if is_word else "leaked chat-template tokens"
        defects.append(Defect(phrase, field, at + marker.start, at + marker.end))
    return defects
