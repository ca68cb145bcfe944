"""What a judge replied: a verdict where the reply has the line that was asked for, else unknown.

Prose around the line is allowed. A line without the request's mark does not count, so a judge that
repeats or obeys the text that it judges gives no verdict. Two lines that differ give none either.
The line in which a reply was cut off is not read: `VERDICT mark: 1` may be the half of a 10.
"""

import re
from typing import NamedTuple

from evals.judge.rubric import BINARY, Rubric

NO_LINE = "the reply has no line VERDICT with the request's mark"
TWO_LINES = "the reply has lines VERDICT that differ"
NO_VALUE = "the reply's verdict is none of those that were asked for"
CUT = "the reply was cut off before a verdict"
EMPTY = "the reply is empty"
TOO_LONG = "the completion is longer than the rubric's limit"
REFUSED = "the server refused the request"
LONGEST_VALUE = 2000  # characters of a line: a ranking of hundreds of completions fits
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)


class Judgement(NamedTuple):
    """The verdict in a reply.

    points: on a scale of points, else None   category: that it named, else None
    reason: why it is unknown, one of the phrases above
    """

    correct: bool | None
    points: int | None = None
    category: str | None = None
    reason: str | None = None


def judgement_of(rubric: Rubric, reply: str, mark: str, finish: str | None) -> Judgement:
    """The verdict in `reply`, which has to have `mark`."""
    value, reason = _value(reply, "VERDICT", mark, finish)
    category = _category(rubric, reply, mark, finish)
    if value is None:
        return Judgement(None, None, category, reason)
    if rubric.scale == BINARY:
        correct = {"correct": True, "incorrect": False}.get(value)
        return Judgement(correct, None, category, NO_VALUE if correct is None else None)
    most = rubric.scale if isinstance(rubric.scale, int) else 0
    points = int(value) if re.fullmatch(r"[0-9]{1,3}", value) else 0
    if not 1 <= points <= most:
        return Judgement(None, None, category, NO_VALUE)
    return Judgement(points >= rubric.threshold, points, category)


def preference_of(reply: str, mark: str, finish: str | None) -> str | None:
    """a, b or tie: which completion of a pair is better; None where the reply does not say."""
    value, _ = _value(reply, "VERDICT", mark, finish)
    return value if value in ("a", "b", "tie") else None


def ranking_of(reply: str, mark: str, n: int, finish: str | None) -> list[float] | None:
    """For each of n completions its rank, 1 for the best; equal ones share their mean rank.

    None where the reply does not rank each of them once.
    """
    value, _ = _value(reply, "RANKING", mark, finish)
    tiers = [re.split(r"\s*=\s*", tier) for tier in re.split(r"\s*[,>]\s*", value or "")]
    numbers = [int(one) for tier in tiers for one in tier if re.fullmatch(r"[0-9]{1,4}", one)]
    if sorted(numbers) != list(range(1, n + 1)) or len(numbers) != sum(map(len, tiers)):
        return None
    ranks = [0.0] * n
    first = 1
    for tier in tiers:
        for one in tier:
            ranks[int(one) - 1] = first + (len(tier) - 1) / 2
        first += len(tier)
    return ranks


def _value(reply: str, word: str, mark: str, finish: str | None) -> tuple[str | None, str | None]:
    """The one value of the lines `WORD mark: value`, in lower case, or why there is none."""
    text, cut = _complete_lines(reply, finish)
    values = set(_lines(text, word, mark))
    if _lines(cut, word, mark):
        return None, CUT
    if len(values) == 1:
        return values.pop(), None
    if values:
        return None, TWO_LINES
    if finish == "length":
        return None, CUT
    return None, NO_LINE if text.strip() else EMPTY


def _complete_lines(reply: str, finish: str | None) -> tuple[str, str]:
    """The reply without thoughts; of one that was cut off its last line, if unfinished, apart."""
    text = _THOUGHT.sub("", reply)
    lines = text.splitlines(keepends=True)
    if finish != "length" or not lines or lines[-1].splitlines() != lines[-1:]:
        return text, ""
    return "".join(lines[:-1]), lines[-1]


def _lines(text: str, word: str, mark: str) -> list[str]:
    """The values of the lines `WORD mark: value`, without emphasis and a full stop."""
    values = []
    for line in text.splitlines():
        if len(line) > LONGEST_VALUE:
            continue
        plain = line.strip().strip("*_`#> ").rstrip(".*_` ")
        head, colon, value = plain.partition(":")
        if colon and head.strip("*_` ").lower().split() == [word.lower(), mark]:
            values.append(value.strip("*_` ").lower())
    return values


def _category(rubric: Rubric, reply: str, mark: str, finish: str | None) -> str | None:
    """The category that the reply names; None for none, and for what is not in the rubric."""
    text, _ = _complete_lines(reply, finish)
    values = set(_lines(text, "CATEGORY", mark))
    return next(iter(values)) if len(values) == 1 and values <= set(rubric.categories) else None
