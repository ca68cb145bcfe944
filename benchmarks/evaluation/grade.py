"""Grading against math-verify, on the same rows, in one process.

    python -m benchmarks.evaluation.grade

Rows are texts in the style of GSM8K's solutions, half of them in the format, with golds of which
one in four is missed. math-verify is what one would use instead: `parse` of the gold and of what
stands in the tags or after `####`, then `verify`. (Of a whole text with tags it takes another
number than the answer in one case of ten.) `--million` instead grades made generations with all
four graders on two processes, and gives the time and the memory of the largest.
"""

import argparse
import logging
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks import report
from data.response_format import render
from evals.graders import GRADERS

REPEATS = 5
AT_A_TIME = 20_000
STEP = "{name} has {a} boxes with {b} pens each, so there are {a} * {b} = {c} pens. "


def made_rows(n: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Text and gold."""
    rng = random.Random(seed)
    for number in range(n):
        steps = []
        total = 0
        for _ in range(rng.randint(2, 6)):
            a, b = rng.randint(2, 40), rng.randint(2, 60)
            total = a * b
            steps.append(STEP.format(name=rng.choice(("Ann", "Ben", "Eva")), a=a, b=b, c=total))
        said = total if rng.random() < 0.75 else total + rng.randint(1, 9)
        thought = "".join(steps).strip()
        yield (
            (render(thought, f"{said:,}") if number % 2 else f"{thought}\n#### {said}"),
            str(total),
        )


def theirs(text: str, gold: str) -> bool:
    """The verdict of math-verify."""
    from math_verify import parse, verify

    said = text.rpartition("####")[2].rpartition("<answer>")[2].partition("</answer>")[0]
    return verify(parse(gold, parsing_timeout=0), parse(said, parsing_timeout=0), timeout_seconds=0)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compared(n: int) -> list[dict[str, Any]]:
    """Each grader and math-verify over the same rows by turns; medians, ratio, same verdicts."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    rows = list(made_rows(n))
    few = rows[: max(1, n // 100)]  # math-verify takes a millisecond or more for each
    same = sum(theirs(*row) == GRADERS["math"].grade(*row).correct for row in few)
    found = []
    for name in GRADERS:
        grade = GRADERS[name].grade
        ours, others = [], []
        for _ in range(REPEATS):
            others.append(seconds(lambda: [theirs(*row) for row in few]) / len(few))
            ours.append(seconds(lambda grade=grade: [grade(*row) for row in rows]) / n)
        found.append(
            {
                "case": f"{name}: {n} texts, same verdict as math-verify in {same} of {len(few)}"
                if name == "math"
                else f"{name}: {n} texts",
                "ours": round(1 / statistics.median(ours)),
                "theirs": round(1 / statistics.median(others)),
                "unit": "texts/s",
                "ratio": round(statistics.median(b / a for a, b in zip(ours, others, strict=True))),
            }
        )
    return found


def graded(part: tuple[int, int]) -> tuple[int, float]:
    """Right verdicts of all graders over the rows of one part, and the memory [MiB] it took."""
    n, seed = part
    right = 0
    for text, gold in made_rows(n, seed):
        right += sum(rule.grade(text, gold).correct is True for rule in GRADERS.values())
    return right, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def million(n: int) -> list[dict[str, Any]]:
    """n generations, made as they are graded, with every grader."""
    parts = [(AT_A_TIME, seed) for seed in range(n // AT_A_TIME)]
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        begin = time.perf_counter()
        found = list(pool.map(graded, parts))
        took = time.perf_counter() - begin
    case = f"{n} generations by {len(GRADERS)} graders, made meanwhile, two processes"
    return [
        {"case": case, "ours": round(value, 1), "theirs": None, "unit": unit, "ratio": None}
        for value, unit in ((took, "s"), (max(memory for _, memory in found), "MiB at most"))
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--million", action="store_true", help="a million, with all graders")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    rows = million(1_000_000) if arguments.million else compared(arguments.rows)
    report("grade", rows, arguments.json)
