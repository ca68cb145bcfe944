"""Where a text differs from the one beside it, word by word; long ones line by line."""

import re
from difflib import SequenceMatcher

from data.audit import Mark

MOST = 3_000  # pieces of a text that are compared
WORD, LINE = re.compile(r"\w+|[^\w\s]"), re.compile(r"[^\n]+")
ONLY_HERE = "only here"


def differing(text: str, other: str) -> list[Mark]:
    """What of `text` is not in `other`, in order. Of very long texts nothing is compared."""
    for pattern in (WORD, LINE):
        mine, theirs = list(pattern.finditer(text)), pattern.findall(other)
        if max(len(mine), len(theirs)) <= MOST:
            break
    else:
        return []
    found = []
    matcher = SequenceMatcher(None, [match.group() for match in mine], theirs, autojunk=False)
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind in ("replace", "delete"):
            found.append(Mark(mine[start].start(), mine[end - 1].end(), ONLY_HERE))
    return found
