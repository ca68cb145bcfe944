"""Word-level differences: the words of a text that the text beside it lacks; long ones by line."""

import re
from difflib import SequenceMatcher

from data.audit import Mark

MOST = 3_000  # words or lines of a text that are compared
WORD, LINE = re.compile(r"\w+|[^\w\s]"), re.compile(r"[^\n]+")
ONLY_HERE = "only here"


def differing(text: str, other: str) -> list[Mark]:
    """The parts of `text` that `other` lacks, in order. Very long texts are not compared."""
    for pattern in (WORD, LINE):
        words, other_words = list(pattern.finditer(text)), pattern.findall(other)
        if max(len(words), len(other_words)) <= MOST:
            break
    else:
        return []
    marks = []
    matcher = SequenceMatcher(None, [word.group() for word in words], other_words, autojunk=False)
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind in ("replace", "delete"):
            marks.append(Mark(words[start].start(), words[end - 1].end(), ONLY_HERE))
    return marks
