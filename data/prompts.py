"""Prompt rewriting: what asks for the old format is taken out, visibly."""

import re
from dataclasses import dataclass

from data.defects import Defect
from data.dialects import markers_in

OLD_REQUEST = re.compile(
    r"\A\s*Return your final response within \\boxed\{\}\.\s*"
    r"|\s*(?:Please reason step by step, and )?put your final answer within \\boxed\{\}\.?\s*\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rewrite:
    """One change to what a row says: field, span in the original, text before and after."""

    rule: str
    field: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class Rewritten:
    """The prompt as it is trained on, what was changed, and the defects that made it so."""

    prompt: str
    rewrites: tuple[Rewrite, ...]
    defects: tuple[Defect, ...]


def rewritten(system: str, prompt: str) -> Rewritten:
    """`prompt` without requests for the old format; a system prompt gives way to ours."""
    rewrites, defects = [], []
    if system:
        rewrites.append(Rewrite("system-prompt", "system", 0, len(system), system, ""))
        if markers_in(system) or "\\boxed" in system:
            defects.append(Defect("system prompt of the old format", "system", 0, len(system)))
    for match in OLD_REQUEST.finditer(prompt):
        start, end = match.span()
        rewrites.append(Rewrite("old-request", "prompt", start, end, prompt[start:end], ""))
        defects.append(Defect("prompt still asks for the old format", "prompt", start, end))
    return Rewritten(OLD_REQUEST.sub("", prompt).strip(), tuple(rewrites), tuple(defects))
