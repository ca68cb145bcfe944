r"""Prompts: what asks for the old format is taken out, and every change is written down.

These rewrites are always made. Each says the rule, the span it replaces, and the text before and
after. Example: `Return your final response within \boxed{}. ` in front of a question.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from data.conversion.defects import Defect
from data.conversion.dialects import Dialect, old_markers, own_version, thought_markers
from data.conversion.markers import markers_in

OLD_REQUESTS_BEFORE = ("Return your final response within \\boxed{}.",)
OLD_REQUESTS_AFTER = (
    "Please reason step by step, and put your final answer within \\boxed{}.",
    "Let's think step by step and output the final answer within \\boxed{}.",
)
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
    """The prompt as it is trained on. `opener`: the dialect whose thought it had opened."""

    text: str
    rewrites: tuple[Rewrite, ...]
    defects: tuple[Defect, ...]
    opener: Dialect | None = None


def rewritten(system: str, prompt: str) -> Prompt:
    """The prompt without requests for the old format, behind the system prompt if that is kept."""
    start, end = 0, len(prompt)
    rewrites = []
    opener = _opener(prompt)
    if opener:
        marker, _ = opener
        at = prompt.rindex(marker)
        rewrites.append(Rewrite("drop-opener", "prompt", at, end, prompt[at:], ""))
        end = at
    for request in OLD_REQUESTS_BEFORE:
        at = start + len(prompt[start:end]) - len(prompt[start:end].lstrip())
        if prompt.startswith(request, at, end):
            after = at + len(request)
            after += len(prompt[after:end]) - len(prompt[after:end].lstrip())
            rewrites.append(Rewrite("drop-old-request", "prompt", 0, after, prompt[:after], ""))
            start = after
    for request in OLD_REQUESTS_AFTER:
        body = prompt[start:end].rstrip()
        if body.endswith(request):
            at = start + len(body.removesuffix(request).rstrip())
            rewrites.append(Rewrite("drop-old-request", "prompt", at, end, prompt[at:end], ""))
            end = at
    kept, dropped, old = of_system(system, own_version())
    defects = list(old)
    defects += [
        Defect("prompt still asks for the old format", "prompt", one.start, one.end)
        for one in rewrites
    ]
    defects += _still_asks(prompt, start, end)
    text = f"{kept}\n\n{prompt[start:end].strip()}" if kept else prompt[start:end].strip()
    rewrites += dropped
    return Prompt(text, tuple(rewrites), tuple(defects), opener[1] if opener else None)


def _opener(prompt: str) -> tuple[str, Dialect] | None:
    """The thought's opener at the end of the prompt, as some chat templates write it."""
    end = prompt.rstrip()[-40:]
    if not end.endswith(tuple(thought_markers())):
        return None
    for marker, dialect in thought_markers().items():
        if marker in dialect.thought_open and end.endswith(marker):
            return marker, dialect
    return None


@lru_cache(maxsize=64)  # most datasets have one for all their rows
def of_system(system: str, dialects: str) -> tuple[str, tuple[Rewrite, ...], tuple[Defect, ...]]:
    """What is kept of a system prompt: all, in front of the prompt, or nothing if it is old."""
    if not system.strip():
        return "", (), ()
    whole = (0, len(system))
    if _is_old(system):
        rewrite = Rewrite("drop-old-system-prompt", "system", *whole, system, "")
        return "", (rewrite,), (Defect("system prompt of the old format", "system", *whole),)
    rewrite = Rewrite("system-prompt-into-prompt", "system", *whole, system, system.strip())
    return system.strip(), (rewrite,), ()


def _is_old(text: str) -> bool:
    return bool(ASKS_FOR_BOX.search(text)) or any(m.text in old_markers() for m in markers_in(text))


def _still_asks(prompt: str, start: int, end: int) -> list[Defect]:
    rest = prompt[start:end]
    spans = [match.span() for match in ASKS_FOR_BOX.finditer(rest)]
    spans += [(m.start, m.end) for m in markers_in(rest) if m.text in old_markers()]
    return [
        Defect("prompt still asks for the old format", "prompt", start + a, start + b)
        for a, b in sorted(spans)
    ]
