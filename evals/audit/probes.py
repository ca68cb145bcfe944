"""Metamorphic probes: the correct answer written in other ways, and wrong answers that resemble it.

A grader must accept every rewriting of the correct answer, and no wrong answer.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from data.numbers import Number, parse_number
from data.numbers.lexicon import SMALL_NUMBERS
from data.response_format import render
from evals.graders import GRADERS
from evals.statistics import wilson

Write = Callable[[int], str | None]  # an integer reference answer -> an answer; None: no probe


class Probe(NamedTuple):
    """How an answer is written for a reference answer n, and whether it is correct."""

    name: str
    right: bool
    write: Write


PROBES = (
    Probe("plain", True, str),
    Probe("thousands separators", True, lambda n: f"{n:,}" if abs(n) >= 1_000 else None),
    Probe("dollars", True, lambda n: f"${n}" if n >= 0 else None),
    Probe("dollars and cents", True, lambda n: f"${n:,}.00" if n >= 0 else None),
    Probe("trailing zeros", True, lambda n: f"{n}.0"),
    Probe("full stop", True, lambda n: f"{n}."),
    Probe("unit", True, lambda n: f"{n} apples"),
    Probe("percent", True, lambda n: f"{n}%"),
    Probe("bold", True, lambda n: f"**{n}**"),
    Probe("box", True, lambda n: f"\\boxed{{{n}}}"),
    Probe("LaTeX", True, lambda n: f"${n}$"),
    Probe("equation", True, lambda n: f"x = {n}"),
    Probe("sentence", True, lambda n: f"There are {n} of them."),
    Probe("words", True, lambda n: SMALL_NUMBERS[n] if 0 <= n < len(SMALL_NUMBERS) else None),
    Probe("fraction", True, lambda n: f"{2 * n}/2"),
    Probe("other sign", False, lambda n: str(-n) if n else None),
    Probe("enumeration", False, lambda n: f"{n} or {n + 1}"),
    Probe("one more", False, lambda n: str(n + 1)),
    Probe("ten times", False, lambda n: f"{n}0" if n else None),
    Probe("digits before", False, lambda n: f"1{abs(n)}"),
    Probe("decimals after", False, lambda n: f"{n}.5"),
    Probe("a hundredth", False, lambda n: f"0.{abs(n):02d}" if 0 < abs(n) < 100 else None),
)
TWICE = ("two answers, the last right", "two answers, the first right")


def texts(gold: int) -> list[tuple[str, bool, str]]:
    """Name, whether it is correct, and text of each probe for a reference answer."""
    probes = []
    for name, right, write in PROBES:
        if (answer := write(gold)) is not None:
            probes.append((name, right, render("I work it out.", answer)))
    for name, answers in zip(TWICE, ((gold + 1, gold), (gold, gold + 1)), strict=True):
        text = "\n".join(render("I work it out.", str(answer)) for answer in answers)
        probes.append((name, False, text))
    return probes


def probe_graders(golds: list[str]) -> list[dict[str, Any]]:
    """One row per probe and grader: how often the verdict is wrong, and how often unknown.

    false_fail: of a correct answer; false_pass: of a wrong answer; the other one is null
    """
    whole = [value for gold in golds if (value := _integer(parse_number(gold))) is not None]
    counts: dict[tuple[str, bool, str], list[int]] = {}
    for gold in whole:
        for name, right, text in texts(gold):
            for grader in GRADERS.values():
                correct = grader.grade(text, str(gold)).correct
                count = counts.setdefault((name, right, grader.name), [0, 0, 0])
                count[0] += 1
                count[1] += correct is not None and correct is not right
                count[2] += correct is None
    return [
        {
            "probe": name,
            "right": right,
            "grader": grader,
            "n": n,
            "false_fail": wilson(wrong, n).to_json() if right else None,
            "false_pass": None if right else wilson(wrong, n).to_json(),
            "unknown": unknown,
        }
        for (name, right, grader), (n, wrong, unknown) in counts.items()
    ]


def _integer(value: Number | None) -> int | None:
    return int(value) if value is not None and Fraction(value).denominator == 1 else None
